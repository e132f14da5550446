"""What is known of a parameter set's reach, and sentences on what a simulation asks beyond it."""

from pathlib import Path
from typing import Any

from electrograd.physics.cell_data import load_parameter_values, solids_density
from electrograd.physics.cell_file import cell_path, likely_materials, read_cell_file
from electrograd.physics.cell_tables import TRUE_DENSITY, VALIDITY
from electrograd.physics.variables import SIDES
from electrograd.physics.windows import evaluated, number, open_circuit_voltage, stoichiometry_windows

_TOO_DENSE = 1.1
"""By how much a coating's solids may be denser than their material, for layered oxides differ."""


def frozen_transport(values: Any, low: float = 298.15, high: float = 318.15) -> list[str]:
    """Names of transport and kinetic quantities that change by under 1 % between two temperatures [K].

    At half stoichiometry and the electrolyte's initial concentration.
    """
    from electrograd.physics.pybamm_import import pybamm

    p = pybamm.LithiumIonParameters()

    def at(temperature: float) -> dict[str, float]:
        t = pybamm.Scalar(temperature)
        symbols = {
            "negative solid diffusivity": p.n.prim.D(0.5 * p.n.prim.c_max, t),
            "positive solid diffusivity": p.p.prim.D(0.5 * p.p.prim.c_max, t),
            "negative exchange current": p.n.prim.j0(p.c_e_init, 0.5 * p.n.prim.c_max, t),
            "positive exchange current": p.p.prim.j0(p.c_e_init, 0.5 * p.p.prim.c_max, t),
            "electrolyte diffusivity": p.D_e(p.c_e_init, t),
            "electrolyte conductivity": p.kappa_e(p.c_e_init, t),
        }
        return {name: evaluated(values, symbol) for name, symbol in symbols.items()}

    cold, warm = at(low), at(high)
    return [name for name in cold if abs(warm[name] / cold[name] - 1) < 0.01]


def warnings_for(
    source: str | Path, c_rate: float, temperature: float, values: Any = None, heated: bool = False
) -> list[str]:
    """Return sentences on what a simulation asks of a set beyond what is known of it.

    Parameters
    ----------
    c_rate
        Charging rate [1/h]; a discharge is negative.
    temperature
        Temperature of the simulation [K].
    values
        As loaded, if at hand.
    heated
        Whether the temperature changes during the simulation.
    """
    values = load_parameter_values(source) if values is None else values
    name, path = Path(source).name, cell_path(source)
    said = list(read_cell_file(path).notes) if path else []
    known = VALIDITY.get(str(source))
    fastest = (known.charging if c_rate > 0 else known.discharging) if known else None
    kind = "charge" if c_rate > 0 else "discharge"
    if known and c_rate > 0 and fastest is None:  # a discharge is better than nothing
        fastest, kind = known.discharging, "discharge (no charge is documented)"
    if fastest is None:
        said.append(f"Nothing documents up to which rate {name} holds.")
    elif abs(c_rate) > fastest:
        said.append(f"{abs(c_rate):g}C is beyond what {name} was compared with: a {fastest:g}C {kind}.")
    if known and known.lowest is not None and known.highest is not None:
        low, high = known.lowest, known.highest
        span = f"{low:g}–{high:g} K" if high > low else f"{high:g} K"
        if not low - 1 <= temperature <= high + 1:
            said.append(f"{temperature:g} K is beyond what {name} was measured at: {span}.")
    reference = number(values, "Reference temperature [K]")
    if heated or abs(temperature - reference) > 1:
        frozen = frozen_transport(values)
        if frozen:
            said.append(f"In {name} these do not depend on temperature: {', '.join(frozen)}.")
    said += _density_warnings(source, values, name) if path else []
    return said + _window_warnings(source, values, name)


def _density_warnings(source: str | Path, values: Any, name: str) -> list[str]:
    """Say where a file's coating is denser than its solids can be: a wet layer, or the whole cell."""
    said = []
    materials = likely_materials(values, str(source))
    for side in SIDES:
        density = f"{side.capitalize()} electrode density [kg.m-3]"
        material, solids = str(materials[density]), solids_density(values, side)
        if solids > _TOO_DENSE * TRUE_DENSITY[material].value:
            said.append(
                f"{name}'s {density!r} makes its solids {solids:.0f} kg/m³, more than {material} is "
                f"({TRUE_DENSITY[material].value:.0f}): energies per mass are too low; 'overrides' can "
                "mend it."
            )
    return said


def _window_warnings(source: str | Path, values: Any, name: str) -> list[str]:
    """Say where a window's ends lie beyond the voltage limits by more than BPX's tolerance of 1 mV."""
    windows = stoichiometry_windows(source, values)
    lower = open_circuit_voltage(values, windows["negative"][0], windows["positive"][0])
    upper = open_circuit_voltage(values, windows["negative"][1], windows["positive"][1])
    least, most = (number(values, f"{end} voltage cut-off [V]") for end in ("Lower", "Upper"))
    said = []
    if lower < least - 1e-3:
        said.append(
            f"{name} is empty at {lower:.3f} V open-circuit, below its lower cut-off of {least:g} V."
        )
    if upper > most + 1e-3:
        said.append(
            f"{name} is full at {upper:.3f} V open-circuit, above its upper cut-off of {most:g} V."
        )
    return said
