"""How a cell is charged, and with what numerical settings that is simulated."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """A constant-current charge from empty.

    Attributes
    ----------
    c_rate
        Charging rate relative to the design's own nominal capacity [1/h].
    upper_voltage, lower_voltage
        Cut-off voltages of charge and discharge [V].
    temperature
        Isothermal temperature [K].
    charge_limit
        Share of the nominal capacity at which a charge ends if nothing else ended it.
    """

    c_rate: float
    upper_voltage: float = 4.2
    lower_voltage: float = 2.5
    temperature: float = 298.15
    charge_limit: float = 1.1

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as plain numbers for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class SolverSettings:
    """Mesh and tolerances of a P2D simulation.

    Attributes
    ----------
    points
        Control volumes in each electrode, the separator and each particle.
    rtol, atol
        Relative and absolute tolerance of IDAKLU.
    surface_full, surface_empty
        Surface stoichiometry at which the negative electrode counts as full and the positive as
        empty; without these two events the solver can fail or hang.
    depleted
        Electrolyte concentration below which a simulation is flagged as depleted [mol.m-3].
    """

    points: int = 20
    rtol: float = 1e-6
    atol: float = 1e-8
    surface_full: float = 0.999
    surface_empty: float = 0.001
    depleted: float = 10.0

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain numbers for JSON."""
        return dataclasses.asdict(self)
