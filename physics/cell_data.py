"""Any lithium-ion parameter set with two porous electrodes, made complete: PyBaMM's, or a file.

What a set lacks, or has wrong, is data of `electrograd.physics.cell_tables`. Nothing of a set's
transport, kinetics or open-circuit potentials is touched.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from electrograd.physics.cell_file import cell_path, likely_materials, read_cell_file
from electrograd.physics.cell_tables import (
    BINDER,
    BPX_FOILS,
    COMMON,
    DENSITIES,
    POLYOLEFIN,
    SUPPLEMENT,
    TRUE_DENSITY,
    WINDOWS,
    Sourced,
)
from electrograd.physics.errors import InputError, is_finite, nearest_name
from electrograd.physics.variables import SIDES
from electrograd.physics.windows import continue_potentials, number

_FIELDS = (
    *(f"{s} electrode {k}" for s in ("Negative", "Positive") for k in ("thickness [m]", "porosity")),
    *(f"{s} electrode active material volume fraction" for s in ("Negative", "Positive")),
    *(f"{s} particle radius [m]" for s in ("Negative", "Positive")),
    *(f"Maximum concentration in {s} electrode [mol.m-3]" for s in SIDES),
    *(
        f"{s} Bruggeman coefficient ({k})"
        for s in ("Negative electrode", "Positive electrode")
        for k in ("electrolyte", "electrode")
    ),
    "Separator thickness [m]",
    "Separator porosity",
    "Separator Bruggeman coefficient (electrolyte)",
    "Electrode height [m]",
    "Electrode width [m]",
    "Number of electrodes connected in parallel to make a cell",
    "Lower voltage cut-off [V]",
    "Upper voltage cut-off [V]",
    "Initial concentration in electrolyte [mol.m-3]",
)
_MAY_BE_ZERO = "Bruggeman"
_LAYERS = (
    *(
        f"{side} {kind}"
        for side in ("Negative", "Positive")
        for kind in ("electrode", "current collector")
    ),
    "Separator",
)
_PLAIN = (
    *(f"{layer} density [kg.m-3]" for layer in _LAYERS),
    *(f"{side} current collector thickness [m]" for side in ("Negative", "Positive")),
    "Cell volume [m3]",
    "Cell cooling surface area [m2]",
    *(f"{kind} temperature [K]" for kind in ("Reference", "Ambient", "Initial")),
)
"""What a file may leave out, or state as a positive number."""
_FUNCTIONS = (
    *(
        f"{s} electrode {k}"
        for s in ("Negative", "Positive")
        for k in ("OCP [V]", "conductivity [S.m-1]")
    ),
    *(f"{s} electrode exchange-current density [A.m-2]" for s in ("Negative", "Positive")),
    *(f"{s} particle diffusivity [m2.s-1]" for s in ("Negative", "Positive")),
    "Electrolyte diffusivity [m2.s-1]",
    "Electrolyte conductivity [S.m-1]",
    "Cation transference number",
)


def load_parameter_values(source: str | Path, overrides: Mapping[str, float] | None = None) -> Any:
    """Return the complete ``pybamm.ParameterValues`` of a cell.

    Parameters
    ----------
    source
        Name of a PyBaMM parameter set, or path of a JSON file: BPX, or a PyBaMM parameter set.
    overrides
        Values that replace the set's own and the tables', by PyBaMM's names.

    Returns
    -------
    pybamm.ParameterValues
        The set, what it lacked filled from `cell_tables.SUPPLEMENT` and `COMMON`. Layers whose density
        is replaced (`cell_tables.DENSITIES`) keep their heat capacity per volume: the specific one is
        scaled. Tabulated open-circuit potentials go on beyond their ends as straight lines.

    Raises
    ------
    InputError
        If the set is unknown, is no lithium-ion cell with two porous electrodes of one active material
        each, or lacks or contradicts what the P2D model needs; likewise for a file, which it names.
    """
    path, place = cell_path(source), str(source)
    file = None if path is None else read_cell_file(path)
    values = _named(place) if file is None else file.values
    if file is not None:
        _refuse_other_kinds(values, place)
    overrides = dict(overrides or {})
    known = {
        *values.keys(),
        *COMMON,
        *(n for s in (SUPPLEMENT, DENSITIES) for t in s.values() for n in t),
    }
    for name in overrides:
        if name not in known:
            near = nearest_name(name, known)
            raise InputError("an override must name a parameter of the set", name, near, place)
    values.update(overrides)
    table = {**COMMON, **SUPPLEMENT.get(place, {})}
    lacking = {name: entry.value for name, entry in table.items() if name not in values}
    _check(values, place)
    if file is not None:
        _check_numbers(values, [name for name in _PLAIN if name in values], place)
    if file is None:
        densities = DENSITIES.get(place, {})
    else:
        guessed = {**likely_materials(values, place), **BPX_FOILS}
        densities = {n: m for n, m in guessed.items() if file.bpx or n not in values}
    values.update({name: float(values[name]) for name in _FIELDS})
    _correct_densities(values, {k: v for k, v in densities.items() if k not in overrides}, overrides)
    values.update({name: value for name, value in lacking.items() if name not in values})
    _fill_shape(values)
    continue_potentials(values)
    return values


def solids_density(values: Any, side: str) -> float:
    """Coating density over (1 - porosity) [kg.m-3] of loaded values; ``side`` as in `SIDES`."""
    title = side.capitalize()
    return number(values, f"{title} electrode density [kg.m-3]") / (
        1 - number(values, f"{title} electrode porosity")
    )


def _named(name: str) -> Any:
    """Return PyBaMM's own values of a set, if it is one this framework can use."""
    from electrograd.physics.pybamm_import import pybamm

    if name not in pybamm.parameter_sets:
        near = nearest_name(name, WINDOWS)
        rule = (
            f"the cell must be a PyBaMM set ({', '.join(WINDOWS)}, ...) or the path of a file: BPX, or "
            "a PyBaMM parameter set as JSON"
        )
        raise InputError(rule, name, near)
    _refuse_other_kinds(pybamm.parameter_sets[name], name)
    return pybamm.ParameterValues(name)


def _refuse_other_kinds(raw: Any, name: str) -> None:
    """Raise `InputError` for a set that is no lithium-ion cell of two plain porous electrodes."""
    rule = "the cell must be a lithium-ion cell with two porous electrodes of one active material each"
    chemistry = raw.get("chemistry", "lithium_ion")
    if chemistry != "lithium_ion":
        raise InputError(rule, f"{name}, a set of chemistry {chemistry!r}")
    if any(key.startswith(("Primary: ", "Secondary: ")) for key in raw.keys()):  # noqa: SIM118
        raise InputError(rule, f"{name}, a set with a composite electrode")
    for side in ("Negative", "Positive"):
        if f"{side} electrode porosity" not in raw:
            raise InputError(rule, f"{name}, a half-cell: its {side.lower()} electrode is lithium metal")
        if f"{side} electrode OCP [V]" not in raw:
            raise InputError(
                "each electrode's open-circuit potential must be a function of stoichiometry",
                f"{name}, without {side + ' electrode OCP [V]'!r} (an MSMR set)",
            )


def _check(values: Any, place: str) -> None:
    """Raise `InputError` for what is missing, not a plain number, or cannot be."""
    for name in (*_FIELDS, *_FUNCTIONS):
        if name not in values:
            raise InputError(f"the P2D model needs {name!r}", "nothing", where=place)
    _check_numbers(values, _FIELDS, place)
    for side in ("Negative", "Positive"):
        pores, active = f"{side} electrode porosity", f"{side} electrode active material volume fraction"
        if values[pores] >= 1:
            raise InputError(f"{pores!r} must lie in (0, 1)", values[pores], where=place)
        if values[pores] + values[active] > 1 + 1e-9:
            rule = f"{pores!r} and {active!r} must not sum to more than 1"
            raise InputError(rule, f"{values[pores]} + {values[active]}", where=place)
    if values["Separator porosity"] > 1:
        raise InputError(
            "'Separator porosity' must not exceed 1", values["Separator porosity"], where=place
        )
    low, high = (values[f"{end} voltage cut-off [V]"] for end in ("Lower", "Upper"))
    if low >= high:
        raise InputError(
            "the lower voltage cut-off must lie below the upper", f"{low} and {high}", where=place
        )


def _check_numbers(values: Any, names: Iterable[str], place: str) -> None:
    """Raise `InputError` unless parameters are finite numbers, and positive."""
    for name in names:
        value = values[name]
        if not isinstance(value, int | float):
            rule = f"{name!r} must be a number, the same at every place and time"
            raise InputError(rule, "a function", where=place)
        if not is_finite(value):
            raise InputError(f"{name!r} must be a finite number", str(value)[:40], where=place)
        if value < 0 or (value == 0 and _MAY_BE_ZERO not in name):
            raise InputError(f"{name!r} must be positive", value, where=place)


def _correct_densities(
    values: Any, densities: Mapping[str, str | Sourced], overrides: Mapping[str, float]
) -> None:
    """Replace densities and scale specific heat capacities so that their products stay."""
    for name, entry in densities.items():
        new = entry.value if isinstance(entry, Sourced) else _layer_density(values, name, entry)
        heat = name.replace("density [kg.m-3]", "specific heat capacity [J.kg-1.K-1]")
        if name in values and heat in values and heat not in overrides:
            values.update({heat: scaled(values[heat], float(values[name]) / new)})
        values.update({name: new})


def _layer_density(values: Any, name: str, material: str) -> float:
    """Dry density of a porous layer from its volume fractions and a material's true density."""
    if name.startswith("Separator"):
        return (1 - values["Separator porosity"]) * POLYOLEFIN.value
    side = name.split()[0]
    active = values[f"{side} electrode active material volume fraction"]
    inactive = 1 - values[f"{side} electrode porosity"] - active
    return float(active * TRUE_DENSITY[material].value + inactive * BINDER.value)


def scaled(value: Any, factor: float) -> Any:
    """A number, or a function of temperature, times a factor."""
    return (lambda T: factor * value(T)) if callable(value) else factor * value  # noqa: N803


def _fill_shape(values: Any) -> None:
    """Give a cell without a shape that of its own stack, lying flat: a pouch without a case."""
    layers = ["Negative electrode", "Separator", "Positive electrode"]
    layers += ["Negative current collector", "Positive current collector"]
    height, width = values["Electrode height [m]"], values["Electrode width [m]"]
    pairs = values["Number of electrodes connected in parallel to make a cell"]
    depth = pairs * sum(values[f"{layer} thickness [m]"] for layer in layers)
    shape = {
        "Cell volume [m3]": height * width * depth,
        "Cell cooling surface area [m2]": 2 * height * width + 2 * (height + width) * depth,
    }
    values.update({name: value for name, value in shape.items() if name not in values})


def digest(path: Path) -> str:
    """A hash of a file's content; empty where there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def whole(share: float) -> float:
    """A share that is 1 but for the digits of a file, as 1: more could not be built."""
    return 1.0 if abs(share - 1) < 1e-6 else share
