"""Reading a study file: YAML, validated before any work.

Every complaint names the file, the line, the rule, the value received and the nearest valid one.
"""

import re
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from electrograd.physics.errors import InputError, nearest_name
from electrograd.study import Study
from electrograd.study_checks import Where, check_study
from electrograd.study_sections import Section


def bundled_studies() -> list[str]:
    """Names of the studies shipped with the package."""
    folder = files("electrograd") / "studies"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def bundled_text(name: str) -> str:
    """The YAML text of a bundled study."""
    return (files("electrograd") / "studies" / f"{name}.yaml").read_text(encoding="utf-8")


def load_study(source: str | Path) -> Study:
    """Read and validate a study.

    Parameters
    ----------
    source
        The path of a YAML file, or the name of a bundled study such as ``"fast_charge"``.

    Raises
    ------
    InputError
        Names the file, the line, the rule, the value received and the nearest valid one.
    """
    path, folder = Path(source), ""
    if path.is_file():
        folder = str(path.parent)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError("a study file must be UTF-8 text", error.reason, where=str(path)) from error
    elif str(source) in bundled_studies():
        text, folder = bundled_text(str(source)), str(files("electrograd") / "studies")
    else:
        near = nearest_name(str(source), bundled_studies())
        raise InputError(
            "a study must be the path of a YAML file, or a bundled study's name", source, near
        )
    return parse_study(text, str(source), folder)


def parse_study(text: str, file: str = "study", folder: str = "") -> Study:
    """Validate a study's YAML text.

    Parameters
    ----------
    file
        How messages call it.
    folder
        Where files that it names lie; by default where the program runs.

    Raises
    ------
    InputError
        As `load_study` does.
    """
    try:
        plain = YAML(typ="safe", pure=True).load(text)
        placed = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "got '['" in problem:
            problem += "; a name with its [unit] cannot stand inside { }: give it a line of its own"
        raise InputError("a study file must be valid YAML", problem, where=place) from error
    if not isinstance(plain, dict):
        raise InputError(
            "a study file must be a mapping of keys to values", type(plain).__name__, "name: …", file
        )

    def where(*keys: Any) -> str:
        line = _line(placed, keys)
        return f"{file}, line {line}" if line else file

    packages = plain.get("packages")
    for name, changes in packages.items() if isinstance(packages, dict) else ():
        for key in (changes.keys() if isinstance(changes, dict) else set()) & {"name", "packages"}:
            place = where("packages", name, key)
            raise InputError("a package cannot state its name, or packages of its own", key, where=place)
    try:
        study = Study.model_validate(plain, context={"folder": folder})
    except ValidationError as error:
        raise _explain(error, plain, where) from error
    check_study(study, where)
    for name, package in study.packages.items():
        check_study(package, _in_package(name, plain["packages"][name], where))
    return study


def _in_package(name: str, changes: dict[str, Any], where: Where) -> Where:
    """Where a key of a study's package stands: with it, or, of what it does not change, in the study."""

    def place(*keys: Any) -> str:
        own = keys and keys[0] in changes
        return f"{where('packages', name, *keys) if own else where(*keys)} (package {name!r})"

    return place


def _explain(error: ValidationError, plain: Any, where: Any) -> InputError:
    """Turn pydantic's first complaint into ours."""
    first = error.errors()[0]
    nearest: Any = None
    kind, rule, value = first["type"], first["msg"], first["input"]
    keys = _keys_of(first["loc"], plain)
    if kind == "extra_forbidden":
        known = _known_at(keys[:-1])
        rule, value, nearest = "keys must be known ones", keys[-1], nearest_name(str(keys[-1]), known)
        nearest = nearest or "one of " + ", ".join(known)
    elif kind == "missing":
        missing = first["loc"][-1]
        rule, value, nearest = f"the key {missing!r} is required", "nothing", f"{missing}: …"
    else:
        if kind in ("model_type", "dict_type"):
            rule = "must be a mapping of keys to values"
        elif kind == "string_pattern_mismatch":
            rule = "must be letters, digits, '-' and '_', beginning with a letter or digit"
            nearest = re.sub(r"[^A-Za-z0-9_-]+", "", str(value)).lstrip("_-") or None
        rule = rule.replace("Value error, ", "").replace("Input should be", "must be")
        rule = rule.replace("List should", "must").replace(" after validation", "")
        rule = f"{keys[-1]!r} {rule}" if keys and kind != "value_error" else rule
        limits = first.get("ctx", {})
        if keys[-1:] == ("temperature [K]",) and isinstance(value, int | float) and value < 100:
            nearest = value + 273.15  # Celsius is the slip
        elif kind == "literal_error":
            nearest = nearest_name(str(value), re.findall("'([^']*)'", limits["expected"]))
        bound = next((limits[k] for k in ("ge", "le", "gt", "lt") if k in limits), None)
        nearest = bound if nearest is None else nearest
    return InputError(rule[:1].lower() + rule[1:], _short(value), nearest, where(*keys))


def _keys_of(location: tuple[Any, ...], plain: Any) -> tuple[str | int, ...]:
    """The keys of a place in the file; pydantic names alternatives of a type between them."""
    keys: list[str | int] = []
    for key in location:
        mapped = isinstance(plain, dict) and key in plain
        if mapped or (isinstance(plain, list) and key in range(len(plain))):
            plain = plain[key]
            keys.append(key)
    return tuple(keys)


def _known_at(path: tuple[str | int, ...]) -> list[str]:
    """Valid keys of the section at a path."""
    kinds: list[Any] = [Study]
    for key in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, key)]
    sections = [kind for kind in kinds if _is_section(kind)]
    return [field.alias or name for kind in sections for name, field in kind.model_fields.items()]


def _inside(kind: Any, key: str | int) -> list[Any]:
    """What a section, or a mapping with free keys, may hold under a key."""
    if _is_section(kind):
        fields = kind.model_fields.items()
        return [t for name, f in fields if key in (name, f.alias) for t in _alternatives(f.annotation)]
    return _alternatives(get_args(kind)[1]) if get_origin(kind) is dict else []


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


def _line(placed: Any, keys: tuple[Any, ...]) -> int | None:
    """Line of the key at the end of the path, or of the deepest part of it that exists."""
    line = None
    for key in keys:
        if isinstance(placed, CommentedMap) and key in placed:
            line = placed.lc.key(key)[0] + 1
        elif isinstance(placed, CommentedSeq) and isinstance(key, int) and key < len(placed):
            line = placed.lc.item(key)[0] + 1
        else:
            break
        placed = placed[key]
    return line
