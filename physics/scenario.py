"""How a cell is charged, and with what numerical settings that is simulated."""

import dataclasses
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from electrograd.physics.errors import InputError
from electrograd.physics.variables import MOST

if TYPE_CHECKING:
    from electrograd.physics.cell import Cell


_RANGES = (
    ("temperature", 150.0, 500.0),
    ("time_limit", 1e-6, math.inf),
    ("upper_voltage", 0.5, 6.0),
    ("lower_voltage", 0.0, 5.5),
    ("plating_potential", -0.5, 0.5),
    ("charge_limit", 1e-6, 2.0),
    ("discharge_rate", 0.001, 20.0),
)

DISCHARGE_RATE = 1 / 3


@dataclass(frozen=True)
class Scenario:
    """A charge: at constant current, unless the fields below ask for more.

    Rates are relative to the design's own nominal capacity, charge is counted in shares of it.

    Attributes
    ----------
    c_rate
        Charging rate of the first stage [1/h]; the largest current of that stage.
    upper_voltage, lower_voltage
        Cut-off voltages of charge and discharge [V]; None: the cell's own.
    temperature
        Ambient and initial temperature [K].
    charge_limit
        Share of the nominal capacity at which a charge ends if nothing else ended it.
    later_stages
        Further stages as (share of the nominal capacity at which it begins, its C-rate).
    hold_voltage
        Whether the upper voltage is held (CC-CV) or ends the charge.
    plating_potential
        Least potential of the negative electrode against lithium at the separator [V]: where it would
        fall below, it is held, and the current falls. None: no such limit. With ``hold_voltage`` this
        is the plating-limited charge, the fastest that a design allows.
    hold_until
        C-rate at which a held charge ends [1/h].
    start
        Share of the nominal capacity that is in the cell at the start.
    cooling
        Heat transfer coefficient at the cell's cooling surface [W.m-2.K-1], with the cell's heat lumped;
        None: isothermal.
    end_when_depleted
        Whether depletion of the electrolyte ends the charge, or is a flag only.
    rate_of
        What C-rates are relative to: the design's own nominal capacity, or that of its coatings before
        channels are cut, which holds the areal current when channels are compared with none.
    time_limit
        Hours after which a charge ends.
    discharge_rate
        C-rate of the discharge, at 25 °C, that specific energy and energy density are of [1/h].

    Raises
    ------
    InputError
        For values that contradict each other or mean nothing.
    """

    c_rate: float
    upper_voltage: float | None = None
    lower_voltage: float | None = None
    temperature: float = 298.15
    charge_limit: float = 1.1
    later_stages: tuple[tuple[float, float], ...] = ()
    hold_voltage: bool = False
    plating_potential: float | None = None
    hold_until: float = 0.05
    start: float = 0.0
    cooling: float | None = None
    end_when_depleted: bool = False
    rate_of: Literal["design", "coatings"] = "design"
    time_limit: float = 2000.0
    discharge_rate: float = DISCHARGE_RATE

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(f"{name} must be a finite number", value)
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                nearest = min(max(value, least), most)
                raise InputError(f"{name} must lie within [{least:g}, {most:g}]", value, f"{nearest:g}")
        if not isinstance(self.hold_voltage, bool):
            raise InputError(
                "hold_voltage must be True or False; the voltage is upper_voltage",
                self.hold_voltage,
                True,
            )
        if self.rate_of not in ("design", "coatings"):
            raise InputError("rates are of the design or of its coatings", self.rate_of, "coatings")
        rates = (self.c_rate, *(rate for _, rate in self.later_stages))
        if not all(0 < rate < math.inf for rate in rates):
            raise InputError("a C-rate must be positive and finite", rates, 1.0)
        begins = (self.start, *(share for share, _ in self.later_stages), self.charge_limit)
        if not all(a < b for a, b in pairwise(begins)):
            raise InputError(
                "start, the stages' beginnings and the charge limit must ascend; they are shares of the "
                "nominal capacity",
                begins,
                "such as 0, 0.3, 1.1",
            )
        if len(rates) > MOST:
            raise InputError(f"a charge may have {MOST} stages", len(rates), MOST)
        if not 0 <= self.start < 1:
            raise InputError(
                "a charge starts from a share of the nominal capacity in [0, 1)", self.start, 0.0
            )
        if self.cooling is not None and not 0 <= self.cooling < math.inf:
            raise InputError("a heat transfer coefficient must be zero or more", self.cooling, 0.0)
        if self.held and not 0 < self.hold_until < min(rates):
            raise InputError(
                "a held charge must end at a C-rate between 0 and the smallest stage's",
                self.hold_until,
                min(0.05, min(rates) / 2),
            )
        low, high = self.lower_voltage, self.upper_voltage
        if low is not None and high is not None and not low < high:
            raise InputError("the upper voltage must lie above the lower", f"{high} V", f"above {low} V")

    def of(self, cell: "Cell") -> "Scenario":
        """Return the scenario with the cell's own cut-off voltages where none are set."""
        return dataclasses.replace(
            self,
            upper_voltage=cell.upper_voltage if self.upper_voltage is None else self.upper_voltage,
            lower_voltage=cell.lower_voltage if self.lower_voltage is None else self.lower_voltage,
        )

    @property
    def stages(self) -> list[tuple[float, float]]:
        """Every stage as (share of the nominal capacity at its end, C-rate)."""
        ends = [*(share for share, _ in self.later_stages), self.charge_limit]
        rates = [self.c_rate, *(rate for _, rate in self.later_stages)]
        return list(zip(ends, rates, strict=True))

    @property
    def held(self) -> bool:
        """Whether a voltage or a potential can be held, and the current fall."""
        return self.hold_voltage or self.plating_potential is not None

    @property
    def constant_current(self) -> bool:
        """Whether it is one stage of constant current, isothermal, from empty, up to the first limit."""
        heated = self.cooling is not None
        return not (self.held or heated or self.later_stages or self.start or self.end_when_depleted)

    @property
    def protocol(self) -> str:
        """The protocol in words."""
        words = "multi-stage constant current" if self.later_stages else "constant current"
        words += ", constant voltage" if self.hold_voltage else ""
        if self.plating_potential is not None:
            words = "plating-limited charge"
        words += f", from {100 * self.start:g} %" if self.start else ""
        return words + (", heated" if self.cooling is not None else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as plain values for JSON."""
        plain = dataclasses.asdict(self)
        if self.discharge_rate == DISCHARGE_RATE:
            del plain["discharge_rate"]  # what was stored before it could be stated is of the same
        return {**plain, "later_stages": [list(stage) for stage in self.later_stages]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Scenario":
        """Rebuild a scenario from `to_dict`."""
        stages = tuple((float(share), float(rate)) for share, rate in data.get("later_stages", ()))
        return cls(**{**data, "later_stages": stages})


@dataclass(frozen=True)
class SolverSettings:
    """Mesh and tolerances of a P2D simulation.

    Attributes
    ----------
    points
        Control volumes in each electrode, the separator and each particle.
    rtol, atol
        Relative and absolute tolerance of IDAKLU.
    depleted
        Electrolyte concentration below which a simulation is flagged as depleted [mol.m-3].
    """

    points: int = 20
    rtol: float = 1e-6
    atol: float = 1e-8
    depleted: float = 10.0

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain numbers for JSON."""
        return dataclasses.asdict(self)
