"""What is said of a slip in a study file: the rule in plain words, and what was likely meant."""

import math
import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from electrograd.physics.errors import InputError, nearest_name, one_of
from electrograd.physics.nearness import not_offered
from electrograd.physics.slips import meant, unit_meant
from electrograd.study import Study
from electrograd.study_sections import Section

_EXAMPLE = "N/P ratio: [1.05, 1.30], on a line of its own under 'variables:'"
_YES_AND_NO = {"yes": "true", "on": "true", "y": "true", "1": "true", "true": "true"} | dict.fromkeys(
    ("no", "off", "n", "0", "false"), "false"
)


def explain(error: ValidationError, plain: Any, where: Callable[..., str]) -> InputError:
    """Turn pydantic's complaint into ours.

    Parameters
    ----------
    error
        What validation found.
    plain
        The study file's content.
    where
        Gives file and line of a path of keys.

    Returns
    -------
    InputError
        With the rule in the study's words, the value received, and the nearest valid one that a person
        can have meant.
    """
    first = _first(error, plain)
    keys = keys_of(first["loc"], plain)
    kind, value = first["type"], first["input"]
    if kind == "extra_forbidden":
        rule, value, nearest = _unknown_key(keys)
    elif kind == "missing":
        key = first["loc"][-1]
        rule, value, nearest = f"the key {key!r} is required", "nothing", f"{key}: …"
        nearest = _EXAMPLE if key == "variables" else nearest
    elif keys == ("variables",) and kind != "value_error":
        rule, nearest = "'variables' must name at least one design variable, with its bounds", _EXAMPLE
        value = value or "none"
    elif keys[-2:-1] == ("variables",) and kind in ("list_type", "too_short"):
        rule = f"{keys[-1]!r} must be [lower, upper]"
        alone = value[0] if isinstance(value, list) and value else value
        nearest = f"[lower, upper]; or {keys[-1]}: {alone}, under 'fixed:'"
    elif kind in ("bool_type", "bool_parsing"):
        rule, nearest = _true_or_false(keys, value)
    else:
        rule, nearest = _in_words(first, keys), _nearest_value(first, keys)
    return InputError(rule[:1].lower() + rule[1:], _short(value), nearest, where(*keys))


def _first(error: ValidationError, plain: Any) -> Any:
    """Return the complaint that says most: a misnamed key before the one that it leaves missing."""
    errors = error.errors()
    first = errors[0]
    if first["type"] == "missing":
        for other in errors:
            if other["type"] == "extra_forbidden" and other["loc"][:-1] == first["loc"][:-1]:
                known = _known_at(keys_of(other["loc"], plain)[:-1])
                if nearest_name(str(other["loc"][-1]), known) == first["loc"][-1]:
                    return other
    return first


def _unknown_key(keys: tuple[str | int, ...]) -> tuple[str, str | int, str]:
    key, known = str(keys[-1]), _known_at(keys[:-1])
    near = nearest_name(key, known)
    said = None if near else not_offered(key)
    rule = f"keys must be known ones; {said}" if said else "keys must be known ones"
    return rule, keys[-1], near or one_of(known)


def _true_or_false(keys: tuple[str | int, ...], value: object) -> tuple[str, str]:
    rule = f"{keys[-1]!r} must be true or false"
    text = str(value).strip().lower()
    if isinstance(value, str) and text in _YES_AND_NO:
        return f"{rule}, without quotes ({value!r} is text in YAML 1.2)", _YES_AND_NO[text]
    if keys[-1] == "hold voltage" and isinstance(value, int | float) and value > 1:
        return f"{rule}; which voltage is 'upper voltage cut-off [V]'", "true"
    return rule, _YES_AND_NO.get(text, "true or false")


def _in_words(first: Any, keys: tuple[str | int, ...]) -> str:
    """The rule as pydantic states it, in the words of a study file."""
    kind, rule = first["type"], first["msg"]
    if kind in ("model_type", "dict_type"):
        rule = "must be a mapping of keys to values"
    elif kind == "string_pattern_mismatch":
        rule = "must be letters, digits, '-' and '_', beginning with a letter or digit"
    rule = rule.replace("Value error, ", "").replace("Input should be", "must be")
    rule = rule.replace("List should", "must").replace("Dictionary should", "must")
    rule = rule.replace(" after validation", "")
    return f"{keys[-1]!r} {rule}" if keys and kind != "value_error" else rule


def _nearest_value(first: Any, keys: tuple[str | int, ...]) -> Any:
    """The value that was likely meant; else the bound that is broken, or None."""
    kind, value, limits = first["type"], first["input"], first.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return re.sub(r"[^A-Za-z0-9_-]+", "", str(value)).lstrip("_-") or None
    if kind == "literal_error":
        options = re.findall("'([^']*)'", limits["expected"])
        return nearest_name(str(value), options) or one_of(options)
    if not any(word in kind for word in ("float", "int", "greater", "less", "finite")):
        return None
    kinds = _kinds_at(keys)

    def fits(number: float) -> bool:
        return any(_valid(one, number) for one in kinds)

    name = next((str(key) for key in reversed(keys) if isinstance(key, str)), "")
    likely = meant(value, unit_meant(name), fits)
    if likely is not None:
        return int(likely) if "int" in kind or _whole(kinds, likely) else likely
    for bound, text in (("ge", "{}"), ("le", "{}"), ("gt", "above {}"), ("lt", "below {}")):
        if bound in limits:
            return text.format(f"{limits[bound]:.12g}")
    return None


def _valid(kind: Any, value: float) -> bool:
    """Whether a number is of a type, with its bounds."""
    if not math.isfinite(value):
        return False
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _whole(kinds: list[Any], value: float) -> bool:
    """Whether a field takes whole numbers alone."""
    return value.is_integer() and not any(_valid(kind, value + 0.5) for kind in kinds)


def keys_of(location: tuple[Any, ...], plain: Any) -> tuple[str | int, ...]:
    """The keys of a place in the file; pydantic names alternatives of a type between them."""
    keys: list[str | int] = []
    for key in location:
        mapped = isinstance(plain, dict) and key in plain
        if mapped or (isinstance(plain, list) and key in range(len(plain))):
            plain = plain[key]
            keys.append(key)
    return tuple(keys)


def _kinds_at(path: tuple[str | int, ...]) -> list[Any]:
    """The types, with their bounds, that the value at a path may have."""
    kinds: list[Any] = [Study]
    for key in path:
        kinds = [inner for kind in kinds for one in _alternatives(kind) for inner in _inside(one, key)]
    return kinds


def _known_at(path: tuple[str | int, ...]) -> list[str]:
    """Valid keys of the section at a path."""
    sections = [one for kind in _kinds_at(path) for one in _alternatives(kind) if _is_section(one)]
    return [field.alias or name for kind in sections for name, field in kind.model_fields.items()]


def _inside(kind: Any, key: str | int) -> list[Any]:
    """What a section, or a mapping with free keys, may hold under a key."""
    if _is_section(kind):
        fields = kind.model_fields.items()
        found = [field for name, field in fields if key in (name, field.alias)]
        return [Annotated[(f.annotation, *f.metadata)] if f.metadata else f.annotation for f in found]
    if get_origin(kind) is dict:
        return [get_args(kind)[1]]
    return [get_args(kind)[0]] if get_origin(kind) is list and isinstance(key, int) else []


def _alternatives(kind: Any) -> list[Any]:
    """The types that an annotation allows."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [inner for one in get_args(kind) for inner in _alternatives(one)]
    return [kind]


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"
