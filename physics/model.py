"""The Doyle–Fuller–Newman model as PyBaMM builds it, with what this framework adds to it.

Added: observables; the limits of a charge as events that inputs arm; the current as an unknown, so that
one built model can hold a current, a voltage or an electrode potential; transport through graded
and channelled electrodes. All that a design can vary is an input.
"""

from collections.abc import Mapping
from typing import Any

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values
from electrograd.physics.charge import (
    CURRENT_DENSITY,
    ELECTROLYTE,
    NEGATIVE_AT_COLLECTOR,
    NEGATIVE_MEAN,
    NEGATIVE_POTENTIAL,
    POSITIVE_AT_COLLECTOR,
    POSITIVE_MEAN,
    SATURATED,
    SATURATION,
    TIME,
    VOLTAGE,
)
from electrograd.physics.factors import scaled_values
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import ElectrodeStructure, Structure
from electrograd.physics.variables import (
    DESIGN_VARIABLES,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_THICKNESS,
    SIDES,
    porosity,
)

APPLIED = "Applied current density [A.m-2]"
INITIAL = {side: f"Initial {side} stoichiometry" for side in SIDES}
HOLDS = ("Hold current", "Hold voltage", "Hold potential")
"""Inputs, one of which is 1: what fixes the current."""

UPPER, LOWER = "Voltage at its upper limit", "Voltage at its lower limit"
PLATING = "Negative potential at its limit"
CURRENT_AT_CAP, CURRENT_LOW = "Current at its cap", "Current low"
CHARGED = "Stage over"
DEPLETED = "Electrolyte depleted"
LIMITS = (UPPER, LOWER, PLATING, CURRENT_AT_CAP, CURRENT_LOW, CHARGED, DEPLETED)
"""Events that the input of the same name in brackets disarms when it is 1."""

UPPER_VOLTAGE, LOWER_VOLTAGE = "Upper voltage limit [V]", "Lower voltage limit [V]"
PLATING_POTENTIAL, LOW_CURRENT = "Least negative potential [V]", "Least current density [A.m-2]"
STAGE_CHARGE = "Charge at the end of the stage [A.h.m-2]"

NO_SHARE = 1e-12
"""In place of a share of zero that divides."""

SLACK = "Slack of limits"
"""How far [V], or by what share of the current, a limit must be passed to act: one that was just held
stands at zero, where the solver would refuse to start."""


def disarm(event: str) -> str:
    """Name of the input that disarms an event when it is 1."""
    return f"Off: {event}"


class _Transport(pybamm.transport_efficiency.BaseModel):
    """Transport efficiencies of both electrodes as functions of position, for PyBaMM to look up."""

    def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Add the transport efficiency of each domain."""
        found = {}
        for domain in self.options.whole_cell_domains:
            side = domain.split()[0]
            if side == "separator":
                uniform = variables["Separator porosity"] ** self.param.s.b_e
                nothing = pybamm.FullBroadcast(0, "separator", "current collector")
                found[domain] = uniform if self.component == "Electrolyte" else nothing
            else:
                position = pybamm.SpatialVariable(
                    f"x_{side[0]}", domain, {"secondary": "current collector"}, coord_sys="cartesian"
                )
                found[domain] = pybamm.FunctionParameter(
                    transport(side, self.component.lower()), {"Through-cell distance (x) [m]": position}
                )
        variables.update(self._get_standard_transport_efficiency_variables(found))
        return variables


def transport(side: str, component: str) -> str:
    """Name of an electrode's transport efficiency, as a function of position."""
    return f"{side.capitalize()} {component} transport efficiency"


def build_model(
    structure: Structure,
    scenario: Scenario,
    settings: SolverSettings,
    options: Mapping[str, str] | None = None,
) -> Any:
    """Return PyBaMM's DFN with observables, events and control of the current.

    ``options`` are further ones of PyBaMM's DFN, such as ``{"lithium plating": "irreversible"}``.
    """
    thermal = {} if scenario.cooling is None else {"thermal": "lumped"}
    model = pybamm.lithium_ion.DFN(
        {**(options or {}), "operating mode": control_of_current, **thermal}, build=False
    )
    if not structure.plain:
        for component in ("electrolyte", "electrode"):
            model.submodels[f"{component} transport efficiency"] = _Transport(
                model.param, component.capitalize(), model.options
            )
    model.build_model()
    known = model.variables
    known[ELECTROLYTE] = pybamm.min(known["Electrolyte concentration [mol.m-3]"])
    known[CURRENT_DENSITY] = -known["Total current density [A.m-2]"]
    known[TIME] = pybamm.t
    for side, at_collector, mean, collector in (
        ("negative", NEGATIVE_AT_COLLECTOR, NEGATIVE_MEAN, "left"),
        ("positive", POSITIVE_AT_COLLECTOR, POSITIVE_MEAN, "right"),
    ):
        title = side.capitalize()
        difference = known[f"{title} electrode surface potential difference [V]"]
        known[at_collector] = pybamm.boundary_value(difference, collector)
        active = known[f"{title} electrode active material volume fraction"]
        local = known[f"R-averaged {side} particle concentration [mol.m-3]"]
        most = pybamm.Parameter(f"Maximum concentration in {side} electrode [mol.m-3]")
        known[mean] = pybamm.x_average(local * active) / pybamm.x_average(active) / most
    known |= _saturation(model.param, known)
    model.events = limit_events(known, settings)
    return model


def saturated(stoichiometry: Any) -> Any:
    """Return 1 where a particle surface is full or empty, within `SATURATED`; 0 elsewhere."""
    return (stoichiometry > 1 - SATURATED) + (stoichiometry < SATURATED)


def _saturation(parameters: Any, known: dict[str, Any]) -> dict[str, Any]:
    """The observables of saturated surfaces: their share of each electrode, and their mean depth."""
    found = {}
    x_n, x_p = pybamm.standard_spatial_vars.x_n, pybamm.standard_spatial_vars.x_p
    depths = {
        "negative": 1 - x_n / parameters.n.L,
        "positive": (x_p - parameters.n.L - parameters.s.L) / parameters.p.L,
    }
    for side, (share, at) in SATURATION.items():
        full = saturated(known[f"{side.capitalize()} particle surface stoichiometry"])
        found[share] = pybamm.x_average(full)
        found[at] = pybamm.x_average(full * depths[side]) / pybamm.maximum(found[share], NO_SHARE)
    return found


def control_of_current(variables: dict[str, Any]) -> Any:
    """The equation that fixes the current: one of three quantities stands at its value."""
    current, voltage, potential = (pybamm.InputParameter(name) for name in HOLDS)
    density = -variables["Total current density [A.m-2]"]
    applied = pybamm.InputParameter(APPLIED)
    held_voltage = variables[VOLTAGE] - pybamm.InputParameter(UPPER_VOLTAGE)
    held_potential = variables[NEGATIVE_POTENTIAL] - pybamm.InputParameter(PLATING_POTENTIAL)
    # Currents are of the order of tens of A.m-2: scaled, so that all three are of order one.
    return current * (density - applied) / 10 + voltage * held_voltage + potential * held_potential


def limit_events(known: dict[str, Any], settings: SolverSettings) -> list[Any]:
    """The events that inputs arm."""
    charged = -known["Discharge capacity [A.h]"] / pybamm.Parameter("Electrode area [m2]")
    value = {name: pybamm.InputParameter(name) for name in (APPLIED, UPPER_VOLTAGE, LOWER_VOLTAGE)}
    density, potential = known[CURRENT_DENSITY], known[NEGATIVE_POTENTIAL]
    least, low, slack = (pybamm.InputParameter(name) for name in (PLATING_POTENTIAL, LOW_CURRENT, SLACK))
    margins = {
        UPPER: value[UPPER_VOLTAGE] + slack - known[VOLTAGE],
        LOWER: known[VOLTAGE] - value[LOWER_VOLTAGE],
        PLATING: potential - least + slack,
        CURRENT_AT_CAP: 1 + slack - density / value[APPLIED],
        CURRENT_LOW: (density - low) / value[APPLIED],
        CHARGED: pybamm.InputParameter(STAGE_CHARGE) - pybamm.sign(value[APPLIED]) * charged,
        DEPLETED: known[ELECTROLYTE] - settings.depleted,
    }
    # A disarmed event stands far from zero, whatever its quantity does.
    return [
        pybamm.Event(name, margin + 1e6 * pybamm.InputParameter(disarm(name)))
        for name, margin in margins.items()
    ]


def parameter_values(cell: Cell, scenario: Scenario) -> Any:
    """Return the cell's PyBaMM parameter set with everything that a design can vary as an input."""
    values = load_parameter_values(cell.source, cell.overrides)
    inputs = {
        *(name for name in DESIGN_VARIABLES if name != N_P_RATIO),
        NEGATIVE_ACTIVE,
        POSITIVE_ACTIVE,
    }
    for electrode in cell.structure:
        if not electrode.plain:
            inputs -= {porosity(electrode.side), _active(electrode.side)}
    values.update(dict.fromkeys(sorted(inputs), "[input]"))
    values.update(scaled_values(cell, values, pybamm.InputParameter))
    values.update(scenario_values(scenario))
    values.update({"Electrode area [m2]": cell.electrode_area}, check_already_exists=False)
    # PyBaMM scales the unknown current with it; the set's own may be of another size of cell.
    values["Nominal cell capacity [A.h]"] = cell.electrode_area * 30.0
    for side, name in INITIAL.items():
        maximum = values[f"Maximum concentration in {side} electrode [mol.m-3]"]
        values[f"Initial concentration in {side} electrode [mol.m-3]"] = (
            pybamm.InputParameter(name) * maximum
        )
    if scenario.cooling is not None:
        for side, electrode in (("Negative", cell.negative), ("Positive", cell.positive)):
            values[f"{side} electrode density [kg.m-3]"] = electrode.solids_density * (
                1 - pybamm.InputParameter(f"{side} electrode porosity")
            )
        values["Cell volume [m3]"] = cell.electrode_area * (
            pybamm.InputParameter(NEGATIVE_THICKNESS)
            + pybamm.InputParameter(POSITIVE_THICKNESS)
            + cell.separator_thickness
            + cell.negative_collector_thickness
            + cell.positive_collector_thickness
        )
    return values


def structured_values(cell: Cell, values: Any, points: int, number: Any) -> dict[str, Any]:
    """Return porosity, active fraction and transport of structured electrodes as functions of position.

    Parameters
    ----------
    cell
        The cell with its structure.
    values
        Its PyBaMM parameter set, for the Bruggeman coefficients.
    points
        Control volumes in each electrode: profiles are averaged over them.
    number
        Gives a design's number for a name: an input, or a value.
    """
    found = {}
    for electrode in cell.structure:
        if not cell.structure.plain:
            found.update(_electrode_values(cell, electrode, values, points, number))
    return found


def _electrode_values(
    cell: Cell, electrode: ElectrodeStructure, values: Any, points: int, number: Any
) -> dict[str, Any]:
    side, title = electrode.side, electrode.side.capitalize()
    thickness = number(f"{title} electrode thickness [m]")
    known = {name: number(name) for name in electrode.inputs}
    share = number(_active(side)) / (1 - number(porosity(side)))

    def depth(x: Any) -> Any:
        """Distance from the separator over the thickness."""
        if side == "negative":
            return 1 - x / thickness
        start = number(NEGATIVE_THICKNESS) + cell.separator_thickness
        return (x - start) / thickness

    def averaged(function: Any, x: Any) -> Any:
        return electrode.averaged(function, known, depth(x), points, pybamm.minimum)

    def solids(x: Any) -> Any:
        return averaged(lambda channel, matrix: (1 - channel) * (1 - matrix), x)

    exponents = {
        component: values[f"{title} electrode Bruggeman coefficient ({component})"]
        for component in ("electrolyte", "electrode")
    }

    # PyBaMM calls these with one coordinate or with three, and writes them to JSON.
    def mean_porosity(x: Any, y: Any = None, z: Any = None) -> Any:
        return 1 - solids(x)

    def active(x: Any, y: Any = None, z: Any = None) -> Any:
        return share * solids(x)

    def electrolyte(x: Any) -> Any:
        power = exponents["electrolyte"]
        return averaged(lambda channel, matrix: channel + (1 - channel) * matrix**power, x)

    def electrode_transport(x: Any) -> Any:
        power = exponents["electrode"]
        return averaged(lambda channel, matrix: (1 - channel) * (1 - matrix) ** power, x)

    transports = {
        transport(side, "electrolyte"): electrolyte,
        transport(side, "electrode"): electrode_transport,
    }
    if electrode.plain:
        return transports
    return {porosity(side): mean_porosity, _active(side): active, **transports}


def _active(side: str) -> str:
    return NEGATIVE_ACTIVE if side == "negative" else POSITIVE_ACTIVE


def mesh_points(settings: SolverSettings) -> dict[str, int]:
    """Control volumes by PyBaMM's names of spatial variables."""
    return dict.fromkeys(("x_n", "x_s", "x_p", "r_n", "r_p"), settings.points)


def scenario_values(scenario: Scenario) -> dict[str, float]:
    """Return what a scenario sets in a PyBaMM parameter set."""
    limits = {
        "Upper voltage cut-off [V]": scenario.upper_voltage,
        "Lower voltage cut-off [V]": scenario.lower_voltage,
    }
    cooling = (
        {}
        if scenario.cooling is None
        else {"Total heat transfer coefficient [W.m-2.K-1]": scenario.cooling}
    )
    return {
        **{name: limit for name, limit in limits.items() if limit is not None},
        "Ambient temperature [K]": scenario.temperature,
        "Initial temperature [K]": scenario.temperature,
        **cooling,
    }
