"""What a study says: its sections in the user's words; `electrograd.study_file` reads them."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from electrograd.design.problem import Goal, Limit
from electrograd.physics.cell import Cell
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.space import DesignSpace

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


Rate = Annotated[float, Field(ge=0.01, le=20)]


class ScenarioSection(_Section):
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
    end_when_depleted: Annotated[bool, Field(alias="end when depleted")] = False


class ChannelSection(_Section):
    """What the channels named in the variables are like."""

    shape: Literal["slit", "hole"] = "slit"
    mass: Literal["ablated", "conserved"] = "ablated"


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

    @property
    def senses(self) -> list[tuple[Literal["at least", "at most"], float]]:
        """The bounds that are stated, each with its sense."""
        found: list[tuple[Literal["at least", "at most"], float]] = []
        if self.at_least is not None:
            found.append(("at least", self.at_least))
        if self.at_most is not None:
            found.append(("at most", self.at_most))
        return found


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
    fixed: dict[str, float] = {}
    channels: ChannelSection = ChannelSection()
    overrides: dict[str, float] = {}
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

    @cached_property
    def loaded_cell(self) -> Cell:
        """The cell, its electrodes built as the variables' names say."""
        structure = Structure.of([*self.variables, *self.fixed], self.channels.shape, self.channels.mass)
        return Cell.load(self.cell, structure, self.overrides).with_fixed(self.fixed)

    @property
    def scenario(self) -> Scenario:
        """How the cell is charged."""
        section = self.scenario_section.model_dump()
        stages = tuple(sorted(section.pop("later_stages").items()))
        return Scenario(**section, later_stages=stages).of(self.loaded_cell)

    @property
    def goal(self) -> Goal:
        """What is wanted."""
        section = self.goal_section
        limits = [
            Limit(figure, sense, value)
            for figure, limit in section.limits.items()
            for sense, value in limit.senses
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
        return SolverSettings().of(self.loaded_cell)

    @property
    def seeds(self) -> dict[str, int]:
        """The seeds that a design depends on, by step."""
        return {
            "sweep": self.sweep.seed,
            "training": self.training_section.seed,
            "design": self.design.seed,
        }
