"""Reading a study file: YAML, validated before any work.

Every complaint names the file, the line, the rule, the value received and the nearest valid one.
"""

import math
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from electrograd.design.problem import Limit
from electrograd.physics.errors import InputError, check_name, nearest_name
from electrograd.physics.structure import Structure
from electrograd.physics.variables import C_RATE, N_P_RATIO, NEGATIVE_THICKNESS, VARIABLES, stage_rate
from electrograd.study import LimitSection, Study
from electrograd.sweeps.space import DesignSpace, check_box


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
    path = Path(source)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError("a study file must be UTF-8 text", error.reason, where=str(path)) from error
    elif str(source) in bundled_studies():
        text = bundled_text(str(source))
    else:
        near = nearest_name(str(source), bundled_studies())
        raise InputError(
            "a study must be the path of a YAML file, or a bundled study's name", source, near
        )
    return parse_study(text, str(source))


def parse_study(text: str, file: str = "study") -> Study:
    """Validate a study's YAML text; ``file`` is how messages call it."""
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

    try:
        study = Study.model_validate(plain)
    except ValidationError as error:
        raise _explain(error, where) from error
    _check_variables(study, where)
    _check_goal(study, where)
    _relay(lambda: Structure.of([*study.variables, *study.fixed]), where("variables"))
    _relay(lambda: study.loaded_cell, where("cell"))
    _relay(lambda: study.scenario, where("scenario"))
    _relay(lambda: check_box(study.loaded_cell, study.space), where("variables"))
    samples = study.sensitivity.samples
    if samples & (samples - 1):
        raise InputError(
            "samples must be a power of two",
            samples,
            2 ** round(math.log2(samples)),
            where("sensitivity", "samples"),
        )
    least = 8 * study.training.members
    if study.sweep.designs < least:
        raise InputError(
            "a sweep must hold at least 8 designs for each member of the ensemble",
            study.sweep.designs,
            least,
            where("sweep", "designs"),
        )
    return study


def _check_variables(study: Study, where: Any) -> None:
    for name, bounds in study.variables.items():
        _relay(lambda n=name, b=bounds: DesignSpace.from_bounds({n: b}), where("variables", name))
    channels = any(" channel " in name for name in (*study.variables, *study.fixed))
    if "channels" in study.model_fields_set and not channels:
        raise InputError(
            "'channels' describes the channels that the variables name, and they name none",
            study.channels.model_dump(),
            "'Negative channel pitch [m]' and 'Negative channel width over pitch' among the variables",
            where("channels"),
        )
    stages = 1 + len(study.scenario_section.later_stages)
    for name, bounds in study.variables.items():
        if name.startswith(C_RATE):
            _check_rate(name, bounds[0], stages, study, where("variables", name))
    for name, value in study.fixed.items():
        if name.startswith(C_RATE):
            raise InputError(
                "a rate that all designs share belongs in the scenario",
                name,
                "'C-rate' or 'later stages' of the scenario",
                where("fixed", name),
            )
        check_name(name, VARIABLES, "a fixed value must be of a known variable", where("fixed", name))
        if name in study.variables:
            raise InputError("a variable is fixed or varied, not both", name, where=where("fixed", name))
        _relay(lambda n=name, v=value: VARIABLES[n].check(v), where("fixed", name))
    named = {*study.variables, *study.fixed}
    if {N_P_RATIO, NEGATIVE_THICKNESS} <= named:
        raise InputError(
            f"a study sets either {N_P_RATIO!r} or {NEGATIVE_THICKNESS!r}, for one fixes the other",
            "both",
            N_P_RATIO,
            where("variables", NEGATIVE_THICKNESS),
        )


def _check_rate(name: str, lowest: float, stages: int, study: Study, place: str) -> None:
    """Refuse a varied rate of a stage that is not there, or below the current that ends a hold."""
    known = [stage_rate(k) for k in range(1, stages + 1)]
    if name not in known:
        raise InputError("a varied rate must be of a stage of the scenario", name, known[-1], place)
    section = study.scenario_section
    held = section.hold_voltage or section.plating_potential is not None
    if held and lowest <= section.hold_until:
        raise InputError(
            "a varied rate must stay above 'hold until C-rate'", lowest, section.hold_until, place
        )


def _check_goal(study: Study, where: Any) -> None:
    section = study.goal_section
    for figure, limit in section.limits.items():
        for sense, value in limit.senses:
            _relay(lambda f=figure, s=sense, v=value: Limit(f, s, v), where("goal", "limits", figure))
    objective = "maximise" if section.maximise is not None else "minimise"
    _relay(lambda: study.goal, where("goal", objective))


def _relay(build: Any, where: str) -> None:
    """Build something and add the place to its complaint."""
    try:
        build()
    except InputError as error:
        place = ", ".join(part for part in (where, error.where) if part)
        raise InputError(error.rule, error.value, error.nearest, place) from error


def _explain(error: ValidationError, where: Any) -> InputError:
    """Turn pydantic's first complaint into ours."""
    first = error.errors()[0]
    keys = tuple(key for key in first["loc"] if isinstance(key, str | int))
    nearest: Any = None
    rule, value = first["msg"], first["input"]
    if first["type"] == "extra_forbidden":
        known = _keys_at(keys[:-1])
        rule, value, nearest = "keys must be known ones", keys[-1], nearest_name(str(keys[-1]), known)
        nearest = nearest or "one of " + ", ".join(known)
    elif first["type"] == "missing":
        rule, value, nearest = f"the key {keys[-1]!r} is required", "nothing", f"{keys[-1]}: …"
        keys = keys[:-1]
    else:
        kind = first["type"]
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
        bound = next((limits[k] for k in ("ge", "le", "gt", "lt") if k in limits), None)
        nearest = bound if nearest is None else nearest
    return InputError(rule[:1].lower() + rule[1:], _short(value), nearest, where(*keys))


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """Valid keys of the section at ``path``."""
    model: Any = Study
    for key in path:
        field = next(
            (f for n, f in model.model_fields.items() if key in (n, f.alias)),
            None,
        )
        if field is None:  # an entry of a mapping with free keys: limits
            model = LimitSection
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return [field.alias or name for name, field in model.model_fields.items()]


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
