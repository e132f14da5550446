"""The study file: YAML in the user's words, validated before any work.

Every complaint names the file, the line, the rule, the value received and the nearest valid one.
"""

import math
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from electrograd.design.problem import Goal, Limit
from electrograd.physics.cell import STOICHIOMETRY_WINDOWS
from electrograd.physics.errors import InputError, check_name, nearest_name
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import N_P_RATIO, NEGATIVE_THICKNESS
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.space import DesignSpace

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


class ScenarioSection(_Section):
    """How the cell is charged: at constant current, from empty."""

    c_rate: Annotated[float, Field(alias="C-rate", ge=0.01, le=20)]
    upper_voltage: Annotated[float, Field(alias="upper voltage cut-off [V]", ge=2, le=6)] = 4.2
    lower_voltage: Annotated[float, Field(alias="lower voltage cut-off [V]", ge=0, le=5)] = 2.5
    temperature: Annotated[float, Field(alias="temperature [K]", ge=233.15, le=353.15)] = 298.15


class SweepSection(_Section):
    """How many designs are simulated, and how long one solve may take."""

    designs: Annotated[int, Field(ge=32, le=1_000_000)] = 256
    seed: Seed = 1
    time_limit: Annotated[float, Field(alias="time limit [s]", ge=10, le=86400)] = 60.0


class LimitSection(_Section):
    """A bound on one figure of merit."""

    at_least: Annotated[float | None, Field(alias="at least")] = None
    at_most: Annotated[float | None, Field(alias="at most")] = None

    @model_validator(mode="after")
    def _says_something(self) -> "LimitSection":
        if self.at_least is None and self.at_most is None:
            raise ValueError("a limit must say 'at least' or 'at most'")
        return self


class GoalSection(_Section):
    """What is wanted."""

    maximise: str | None = None
    minimise: str | None = None
    limits: dict[str, LimitSection] = {}

    @model_validator(mode="after")
    def _one_objective(self) -> "GoalSection":
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("a goal must name one figure of merit, to 'maximise' or to 'minimise'")
        return self


class TrainingSection(_Section):
    """How the surrogate is trained."""

    members: Annotated[int, Field(ge=2, le=32)] = TrainingSettings.members
    steps: Annotated[int, Field(ge=20, le=1_000_000)] = TrainingSettings.steps
    seed: Seed = TrainingSettings.seed


class DesignSection(_Section):
    """How the design is searched for."""

    starts: Annotated[int, Field(ge=1, le=1024)] = 24
    seed: Seed = 0


class SensitivitySection(_Section):
    """How many base samples the Sobol indices take: a power of two."""

    samples: Annotated[int, Field(ge=2, le=2**20)] = 1024
    seed: Seed = 0


Bounds = Annotated[list[float], Field(min_length=2, max_length=2)]


class Study(_Section):
    """A whole study. Make one with `load_study`, which says where a mistake stands."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=80)]
    cell: str
    variables: Annotated[dict[str, Bounds], Field(min_length=1)]
    scenario_section: Annotated[ScenarioSection, Field(alias="scenario")]
    goal_section: Annotated[GoalSection, Field(alias="goal")]
    sweep: SweepSection = SweepSection()
    training_section: Annotated[TrainingSection, Field(alias="training")] = TrainingSection()
    design: DesignSection = DesignSection()
    sensitivity: SensitivitySection = SensitivitySection()

    @property
    def space(self) -> DesignSpace:
        """The box of design variables."""
        return DesignSpace.from_bounds(self.variables)

    @property
    def scenario(self) -> Scenario:
        """How the cell is charged."""
        section = self.scenario_section
        return Scenario(
            section.c_rate, section.upper_voltage, section.lower_voltage, section.temperature
        )

    @property
    def goal(self) -> Goal:
        """What is wanted."""
        section = self.goal_section
        limits = [
            Limit(figure, sense, value)
            for figure, limit in section.limits.items()
            for sense, value in _senses(limit)
        ]
        if section.maximise is not None:
            return Goal(section.maximise, "maximise", tuple(limits))
        return Goal(str(section.minimise), "minimise", tuple(limits))

    @property
    def training(self) -> TrainingSettings:
        """How the surrogate is trained."""
        return TrainingSettings(**self.training_section.model_dump())

    @property
    def solver(self) -> SolverSettings:
        """Mesh and tolerances: the defaults in this release."""
        return SolverSettings()

    @property
    def seeds(self) -> dict[str, int]:
        """The seeds that a design depends on, by step."""
        return {
            "sweep": self.sweep.seed,
            "training": self.training_section.seed,
            "design": self.design.seed,
        }


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
    check_name(
        study.cell, STOICHIOMETRY_WINDOWS, "cell must be a supported parameter set", where("cell")
    )
    _check_variables(study, where)
    _check_goal(study, where)
    scenario = study.scenario
    if scenario.lower_voltage >= scenario.upper_voltage:
        raise InputError(
            "the lower voltage cut-off must be below the upper",
            scenario.lower_voltage,
            "2.5",
            where("scenario", "lower voltage cut-off [V]"),
        )
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
    if N_P_RATIO in study.variables and NEGATIVE_THICKNESS in study.variables:
        raise InputError(
            f"variables hold either {N_P_RATIO!r} or {NEGATIVE_THICKNESS!r}, for one fixes the other",
            "both",
            N_P_RATIO,
            where("variables", NEGATIVE_THICKNESS),
        )


def _check_goal(study: Study, where: Any) -> None:
    section = study.goal_section
    for figure, limit in section.limits.items():
        for sense, value in _senses(limit):
            _relay(lambda f=figure, s=sense, v=value: Limit(f, s, v), where("goal", "limits", figure))
    objective = "maximise" if section.maximise is not None else "minimise"
    _relay(lambda: study.goal, where("goal", objective))


def _senses(limit: LimitSection) -> list[tuple[Literal["at least", "at most"], float]]:
    found: list[tuple[Literal["at least", "at most"], float]] = []
    if limit.at_least is not None:
        found.append(("at least", limit.at_least))
    if limit.at_most is not None:
        found.append(("at most", limit.at_most))
    return found


def _relay(build: Any, where: str) -> None:
    """Build something and add the place to its complaint."""
    try:
        build()
    except InputError as error:
        raise InputError(error.rule, error.value, error.nearest, where) from error


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
