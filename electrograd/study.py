"""What a study is: a cell, designs, scenarios, sweeps and a goal; `electrograd.study_file` reads it."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from electrograd.design.problem import Goal, Limit
from electrograd.design.robust import Tolerances
from electrograd.design.sensitivity_inputs import Inputs
from electrograd.physics.cell import Cell
from electrograd.physics.cell_file import cell_path
from electrograd.physics.charge import CURVES
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.ladder import RESOLVED, SOLID
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    CHANNEL_MASS,
    CHANNEL_SHAPE,
    CHARGE_TIME,
    FIGURES_OF_MERIT,
    HOTTEST,
    figure_and_scenario,
)
from electrograd.study_analyses import IdentifySection, SensitivitySection
from electrograd.study_packages import with_packages
from electrograd.study_sections import (
    ChannelSection,
    ConstraintSection,
    DesignSection,
    FrontSection,
    FurtherSection,
    GoalSection,
    Name,
    ScenarioSection,
    Section,
    SweepSection,
    TolerancesSection,
    TrainingSection,
    Variable,
    VariableSection,
    beside,
)
from electrograd.surrogates.distillation import DistillationSettings
from electrograd.surrogates.training import TrainingSettings
from electrograd.sweeps.feasible import Constraint
from electrograd.sweeps.plan import Plan, make_plan
from electrograd.sweeps.record import DELIVERED
from electrograd.sweeps.samplers import Sampler
from electrograd.sweeps.space import DesignSpace

MAIN = ""
"""Name of the main sweep."""
SHOWN_AS = "main"
"""What the command line calls it."""
LABEL_KEYS = {CHANNEL_SHAPE: "shape", CHANNEL_MASS: "mass"}
"""Keys of 'channels' that state a variable of labels for all designs."""
MANY = 1000
"""Designs from which on a sweep is stored in larger batches."""


@dataclass(frozen=True)
class SweepOf:
    """One sweep of a study.

    Attributes
    ----------
    name
        "" is the main one.
    cell, space, sampler, designs, seed, constraints
        What its designs are drawn from, and how; ``designs`` is None where the sampler sets the number.
    scenario
        How they are charged.
    fidelity
        Of `electrograd.physics.ladder.FIDELITIES`; None: the cheapest that is right.
    observables
        What is kept along the charge.
    time_limit
        Seconds that one design may take.
    extras
        What is kept beside the curves, of `electrograd.sweeps.record.EXTRAS`.
    stated_batch
        Designs simulated and written together; None: as `batch` says.
    """

    name: str
    cell: Cell
    space: DesignSpace
    sampler: Sampler
    designs: int | None
    seed: int
    constraints: tuple[Constraint, ...]
    scenario: Scenario
    fidelity: str | None
    observables: tuple[str, ...]
    time_limit: float
    extras: tuple[str, ...]
    stated_batch: int | None

    @property
    def batch(self) -> int:
        """Designs simulated and written together: what a kill can cost is the batches in flight.

        Where the study does not state it: 1 where channels are resolved, for a design takes a second and
        more; else 16, and 64 from `MANY` designs on. Raises as `Sampler.size` does.
        """
        if self.stated_batch is not None:
            return self.stated_batch
        if self.fidelity in (RESOLVED, SOLID):
            return 1
        return 16 if self.sampler.size(self.space, self.designs) < MANY else 64

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self.cell, self.space, self.sampler, self.designs, self.seed, self.constraints)

    def plan(self) -> Plan:
        """Draw the designs, once; raises as `make_plan` does."""
        return self._plan


class Study(Section):
    """A whole study. Make one with `load_study`, which says where a mistake stands."""

    name: Name
    cell: str
    variables: Annotated[dict[str, Variable], Field(min_length=1)]
    fixed: dict[str, float | str] = Field(default_factory=dict)
    constraints: dict[str, ConstraintSection] = Field(default_factory=dict)
    channels: ChannelSection = ChannelSection()
    overrides: dict[str, float] = Field(default_factory=dict)
    scenario_section: Annotated[ScenarioSection, Field(alias="scenario")]
    goal_section: Annotated[GoalSection | None, Field(alias="goal")] = None
    front_section: Annotated[FrontSection | None, Field(alias="front")] = None
    sweep: SweepSection = SweepSection()
    further_sweeps: dict[Name, FurtherSection] = Field(alias="further sweeps", default_factory=dict)
    store: str | None = None
    training_section: Annotated[TrainingSection, Field(alias="training")] = TrainingSection()
    design: DesignSection = DesignSection()
    sensitivity: SensitivitySection = SensitivitySection()
    identify_section: Annotated[IdentifySection | None, Field(alias="identify")] = None
    tolerances_section: Annotated[TolerancesSection | None, Field(alias="tolerances")] = None
    packages: dict[Name, "Study"] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _packages_are_studies(cls, said: Any) -> Any:
        return with_packages(said)

    @field_validator("store")
    @classmethod
    def _where_stores_lie(cls, value: str | None, info: Any) -> str | None:
        if value is None or "://" in value:
            return value
        if not value.strip():
            raise ValueError("'store' must be a folder or a URL; left out, stores lie under runs/")
        return beside(os.path.expanduser(value), info)

    @field_validator("cell")
    @classmethod
    def _where_cells_lie(cls, value: str, info: Any) -> str:
        """A file lies beside the study, or where the program runs."""
        here = os.path.expanduser(value)
        near = beside(here, info)
        return near if cell_path(here) and os.path.exists(near) else here

    @property
    def space(self) -> DesignSpace:
        """The space of designs."""
        return DesignSpace.from_bounds(
            {
                name: variable.said if isinstance(variable, VariableSection) else variable
                for name, variable in self.variables.items()
            }
        )

    @cached_property
    def loaded_cell(self) -> Cell:
        """The cell, its electrodes built as the variables' names say."""
        structure = Structure.of([*self.variables, *self.fixed], self.channels.shape, self.channels.mass)
        cell = Cell.load(self.cell, structure, self.overrides)
        return cell.with_factors([*self.variables, *self.fixed]).with_fixed(self.fixed)

    @property
    def scenario(self) -> Scenario:
        """How the cell is charged."""
        return self.scenario_section.scenario.of(self.loaded_cell)

    @property
    def sweep_names(self) -> tuple[str, ...]:
        """Names of the sweeps, the main one's, which is empty, first."""
        return (MAIN, *self.further_sweeps)

    def sweep_of(self, name: str = MAIN) -> SweepOf:
        """One of the study's sweeps.

        Raises
        ------
        InputError
            For a name that is none of `sweep_names`.
        """
        further = FurtherSection()
        if name != MAIN:
            check_name(name, self.further_sweeps, "a sweep must be one of the study's further sweeps")
            further = self.further_sweeps[name]
        said = further.after(self.sweep)
        scenario = (said.scenario or self.scenario_section).scenario
        return SweepOf(
            name=name,
            cell=self.loaded_cell,
            space=self.space,
            sampler=said.drawn_by,
            designs=said.designs,
            seed=said.seed,
            constraints=self.stated_constraints,
            scenario=scenario.of(self.loaded_cell),
            fidelity=said.fidelity,
            observables=tuple(dict.fromkeys((*CURVES, *said.observables))),
            time_limit=said.time_limit,
            extras=self._extras(scenario),
            stated_batch=said.batch,
        )

    @property
    def aims(self) -> tuple[str, ...]:
        """Figures of merit that the goal, its limits and the front are about, by the study's names."""
        goal, front = self.goal_section, self.front_section
        named = [goal.objective[0], *goal.limits] if goal else []
        traded = [front, front.third] if front else []
        return tuple(dict.fromkeys([*named, *(one.objective[0] for one in traded if one)]))

    @property
    def learns_figures(self) -> bool:
        """Whether figures of merit are learned directly, and not from curves.

        So where a study aims at what curves do not tell, in a held charge, in several scenarios, or for
        designs as they are made.
        """
        if self.goal_section is None:
            return False
        direct = any(name not in FIGURES_OF_MERIT for name in self.aims)
        return bool(direct or self.tolerances_section or not self.scenario.constant_current)

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """The scenarios that the study's aims are about by name, the main one, "", first."""
        names = dict.fromkeys(figure_and_scenario(aim)[1] for aim in self.aims)
        return {MAIN: self.scenario, **{n: self.sweep_of(n).scenario for n in names if n != MAIN}}

    def _extras(self, scenario: ScenarioSection | Scenario) -> tuple[str, ...]:
        if not self.learns_figures:
            return ()
        heated = scenario.cooling is not None
        return (CHARGE_TIME, DELIVERED, *([HOTTEST] if heated else []))

    @property
    def leaves_out(self) -> bool:
        """Whether designs that cannot be built are left out: so where the study states 'constraints'."""
        return "constraints" in self.model_fields_set

    @property
    def stated_constraints(self) -> tuple[Constraint, ...]:
        """Bounds that the designs of every sweep keep."""
        return tuple(
            Constraint(quantity, sense, bound)
            for quantity, section in self.constraints.items()
            for sense, bound in section.senses
        )

    @property
    def goal(self) -> Goal:
        """What is wanted; raises `InputError` in a study that only sweeps."""
        section = self.goal_section
        if section is None:
            raise InputError(
                "a study must state a 'goal' to be trained for and designed",
                "a study that only sweeps",
                "goal: {maximise: Theoretical specific energy [W.h.kg-1]}",
            )
        limits = [
            Limit(figure, sense, value)
            for figure, limit in section.limits.items()
            for sense, value in limit.senses
        ]
        return Goal(*section.objective, tuple(limits))

    @property
    def front(self) -> tuple[Goal, FrontSection]:
        """What the goal is traded off against, within its limits, and levels; raises `InputError`."""
        section = self.front_section
        if section is None:
            raise InputError(
                "a study must state a 'front' for its goal to be traded off",
                "a study without one",
                "front: {maximise: Accepted share of nominal capacity, points: 9}",
            )
        other = Goal(*section.objective, self.goal.limits)
        if other.figure == self.goal.figure:
            raise InputError("a front needs a second figure beside the goal's", other.figure)
        third = section.third and Goal(*section.third.objective, self.goal.limits)
        if third and third.figure in (self.goal.figure, other.figure):
            raise InputError("a front's third figure must be another than the first two", third.figure)
        return other, section

    @property
    def tolerances(self) -> Tolerances | None:
        """How designs scatter when they are made, where they are judged so; raises `InputError`."""
        section = self.tolerances_section
        if section is None:
            return None
        return Tolerances.usual(self.space, section.percentile, section.deviations)

    @property
    def sensitivity_inputs(self) -> Inputs:
        """How designs are drawn for the sensitivity, and groups; raises `InputError`."""
        said = self.sensitivity
        normal = {name: (one.mean, one.deviation) for name, one in said.normal.items()}
        return Inputs(self.space, normal, said.groups)

    @property
    def training(self) -> TrainingSettings:
        """How the surrogate is trained."""
        return self.training_section.ensemble

    @property
    def distillation(self) -> DistillationSettings:
        """How the surrogate's student is taught."""
        return self.training_section.distillation

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
