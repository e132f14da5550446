"""The sections of a study file, in the user's words; `electrograd.study` is what they amount to."""

from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from electrograd.physics.scenario import DISCHARGE_RATE, Scenario
from electrograd.surrogates.distillation import DistillationSettings
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.samplers import MOST_DESIGNS, Sampler

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=80)]
Rate = Annotated[float, Field(ge=0.01, le=20)]
Bounds = Annotated[list[Any], Field(min_length=2, max_length=2)]
"""What `Axis` is told, which names the variable whose value is wrong."""
Number = TypeVar("Number")
MOST_CHARGE = Scenario.charge_limit
"""Share of the nominal capacity at which a charge ends at the latest."""


class Section(BaseModel):
    """What all sections have in common: unknown keys are refused, nothing is changed or converted."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    @property
    def _stated(self) -> list[str]:
        """Keys that are stated, of a section whose keys stand for one another."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


def _mapping(value: Any) -> str:
    """Tell a value from a section: one complaint of the right one, not one of each."""
    return "section" if isinstance(value, dict | BaseModel) else "value"


class VariableSection(Section):
    """A variable that does not take every value alike."""

    log: Bounds | None = None
    integer: Bounds | None = None
    choices: list[Any] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "VariableSection":
        if len(self._stated) != 1:
            raise ValueError("a variable must be [lower, upper], or one of 'log', 'integer', 'choices'")
        return self

    @property
    def said(self) -> dict[str, Any]:
        """The variable as a design space takes it."""
        return {kind: getattr(self, kind) for kind in self._stated}


Variable = Annotated[
    Annotated[Bounds, Tag("value")] | Annotated[VariableSection, Tag("section")],
    Discriminator(_mapping),
]


class ScenarioSection(Section):
    """How the cell is charged: at constant current from empty, unless it says more."""

    c_rate: Annotated[float, Field(alias="C-rate", ge=0.01, le=20)]
    upper_voltage: Annotated[float | None, Field(alias="upper voltage cut-off [V]", ge=2, le=6)] = None
    lower_voltage: Annotated[float | None, Field(alias="lower voltage cut-off [V]", ge=0, le=5)] = None
    temperature: Annotated[float, Field(alias="temperature [K]", ge=233.15, le=353.15)] = 298.15
    later_stages: Annotated[dict[float, Rate], Field(alias="later stages")] = {}
    hold_voltage: Annotated[bool, Field(alias="hold voltage")] = False
    plating_potential: Annotated[
        float | None, Field(alias="least negative potential [V]", ge=-0.5, le=0.5)
    ] = None
    hold_until: Annotated[float, Field(alias="hold until C-rate", gt=0, le=20)] = 0.05
    start: Annotated[float, Field(alias="start at share", ge=0, lt=1)] = 0.0
    cooling: Annotated[float | None, Field(alias="heat transfer coefficient [W.m-2.K-1]", ge=0)] = None
    rate_of: Annotated[Literal["design", "coatings"], Field(alias="C-rate of")] = "design"
    discharge_rate: Annotated[float, Field(alias="discharge C-rate", ge=0.01, le=20)] = DISCHARGE_RATE
    end_when_depleted: Annotated[bool, Field(alias="end when depleted")] = False

    @field_validator("later_stages")
    @classmethod
    def _begin_at_shares(cls, value: dict[float, float]) -> dict[float, float]:
        for share in value:
            if share > MOST_CHARGE:
                near = f"; {share:g} is likely {share / 100:g}" if share <= 100 * MOST_CHARGE else ""
                raise ValueError(
                    f"'later stages' must begin at shares of the nominal capacity below {MOST_CHARGE:g}"
                    + near
                )
        return value

    @property
    def scenario(self) -> Scenario:
        """The scenario, cut-off voltages of the cell left open."""
        section = self.model_dump()
        stages = tuple(sorted(section.pop("later_stages").items()))
        return Scenario(**section, later_stages=stages)


class ChannelSection(Section):
    """What the channels named in the variables are like."""

    shape: Literal["slit", "hole"] = "slit"
    mass: Literal["ablated", "conserved"] = "ablated"


def beside(path: str, info: Any) -> str:
    """Return a path that a study states as the program opens it: relative ones lie beside the study."""
    folder = (info.context or {}).get("folder")
    return str(Path(folder, path)) if folder else path


class SamplerSection(Section):
    """A sampler that needs a number, or a table of points."""

    grid: int | None = None
    saltelli: int | None = None
    morris: int | None = None
    fast: int | None = None
    csv: str | None = None

    @field_validator("csv")
    @classmethod
    def _beside_the_study(cls, value: str | None, info: Any) -> str | None:
        return beside(value, info) if value else value

    @model_validator(mode="after")
    def _one_kind(self) -> "SamplerSection":
        if len(self._stated) != 1:
            raise ValueError("a sweep must have one sampler")
        return self


SamplerKey = Annotated[
    Annotated[str, Tag("value")] | Annotated[SamplerSection, Tag("section")],
    Discriminator(_mapping),
]


class _AnySweepSection(Section):
    """What a study says of any of its sweeps."""

    sampler: SamplerKey = "sobol"
    seed: Seed = 1
    time_limit: Annotated[float, Field(alias="time limit [s]", ge=10, le=86400)] = 60.0
    fidelity: str | None = None
    observables: list[str] = []
    batch: Annotated[int, Field(ge=1, le=1024)] | None = None

    @property
    def drawn_by(self) -> Sampler:
        """The sampler."""
        said = self.sampler
        return Sampler.of(said if isinstance(said, str) else said.model_dump(exclude_none=True))


def _usual_designs(before: dict[str, Any]) -> int | None:
    return 256 if isinstance(before.get("sampler"), str) else None


class SweepSection(_AnySweepSection):
    """How many designs are simulated and how they are drawn, and how long one solve may take."""

    designs: Annotated[int, Field(ge=32, le=MOST_DESIGNS)] | None = Field(default_factory=_usual_designs)


class FurtherSection(_AnySweepSection):
    """A further sweep: what it leaves out is as the main one states it."""

    designs: Annotated[int, Field(ge=1, le=MOST_DESIGNS)] | None = None
    scenario: ScenarioSection | None = None

    def after(self, main: SweepSection) -> "FurtherSection":
        """Return the section with what it leaves out taken from the main sweep's."""
        stated = {name: getattr(self, name) for name in self.model_fields_set}
        sampler = stated.get("sampler", main.sampler)
        if self.designs is None and ("sampler" not in stated or isinstance(sampler, str)):
            stated["designs"] = main.designs or _usual_designs({"sampler": sampler})
        own = type(main).model_fields.keys() - {"designs"}
        return self.model_copy(update={**{name: getattr(main, name) for name in own}, **stated})


class _BoundSection(Section, Generic[Number]):
    """A bound from below, from above, or both."""

    at_least: Annotated[Number | None, Field(alias="at least")] = None
    at_most: Annotated[Number | None, Field(alias="at most")] = None

    @model_validator(mode="after")
    def _says_something(self) -> "_BoundSection[Number]":
        if self.at_least is None and self.at_most is None:
            raise ValueError("a limit must say 'at least' or 'at most'")
        return self

    @property
    def senses(self) -> list[tuple[Literal["at least", "at most"], Number]]:
        """The bounds that are stated, each with its sense."""
        found: list[tuple[Literal["at least", "at most"], Number]] = []
        if self.at_least is not None:
            found.append(("at least", self.at_least))
        if self.at_most is not None:
            found.append(("at most", self.at_most))
        return found


class LimitSection(_BoundSection[float]):
    """A bound on one figure of merit."""


class ConstraintSection(_BoundSection[float | str]):
    """A bound that designs keep: a number, or the name of another quantity."""


class ObjectiveSection(Section):
    """One figure of merit, and what is wanted of it."""

    maximise: str | None = None
    minimise: str | None = None

    @model_validator(mode="after")
    def _one_objective(self) -> "ObjectiveSection":
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("it must name one figure of merit, to 'maximise' or to 'minimise'")
        return self

    @property
    def objective(self) -> tuple[str, Literal["maximise", "minimise"]]:
        """The figure, and the sense."""
        if self.maximise is not None:
            return self.maximise, "maximise"
        return str(self.minimise), "minimise"


class GoalSection(ObjectiveSection):
    """What is wanted."""

    limits: dict[str, LimitSection] = {}


class TradeSection(ObjectiveSection):
    """What the goal is traded off against, at how many levels, and between which."""

    points: Annotated[int, Field(ge=2, le=100)] = 9
    between: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None

    @property
    def range(self) -> tuple[float, float] | None:
        """The range of levels, where it is stated."""
        return None if self.between is None else (self.between[0], self.between[1])

    @field_validator("between")
    @classmethod
    def _ascends(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("'between' must be [lower, upper]")
        return value


class FrontSection(TradeSection):
    """What the goal is traded off against, and a third figure, if there is one."""

    third: Annotated[TradeSection | None, Field(alias="and")] = None


class TrainingSection(Section):
    """How the surrogate is trained."""

    members: Annotated[int, Field(ge=2, le=32)] = TrainingSettings.members
    width: Annotated[int, Field(ge=4, le=4096)] | None = None
    depth: Annotated[int, Field(ge=1, le=16)] = TrainingSettings.depth
    steps: Annotated[int, Field(ge=20, le=1_000_000)] | None = None
    learning_rate: Annotated[float, Field(alias="learning rate", gt=0, le=1)] = (
        TrainingSettings.learning_rate
    )
    student_steps: Annotated[int, Field(alias="student steps", ge=20, le=1_000_000)] = (
        DistillationSettings.rounds * DistillationSettings.steps
    )
    seed: Seed = TrainingSettings.seed

    @property
    def ensemble(self) -> TrainingSettings:
        """How the ensemble is trained; each member is blind to a part of its own."""
        folds = max(self.members, TrainingSettings.folds)
        return TrainingSettings(**self.model_dump(exclude={"student_steps"}), folds=folds)

    @property
    def distillation(self) -> DistillationSettings:
        """How the student is taught: new designs every thousand steps, in ten rounds at the least."""
        rounds = max(1, self.student_steps // max(1, min(1000, self.student_steps // 10)))
        return DistillationSettings(
            rounds=rounds, steps=max(1, self.student_steps // rounds), seed=self.seed
        )


class DesignSection(Section):
    """How the design is searched for."""

    starts: Annotated[int, Field(ge=1, le=65536)] = 1024
    budget: Annotated[int, Field(ge=2, le=1000)] = 24
    seed: Seed = 0


class TolerancesSection(Section):
    """How designs scatter when they are made."""

    percentile: Annotated[float, Field(gt=0, lt=50)] = 5.0
    deviations: Annotated[dict[str, float], Field(alias="standard deviations")] = {}
