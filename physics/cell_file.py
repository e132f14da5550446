"""Reading a cell from a JSON file: BPX, or a PyBaMM parameter set; and what is to be said of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from electrograd.physics.bpx_file import from_bpx
from electrograd.physics.cell_tables import Sourced
from electrograd.physics.errors import InputError
from electrograd.physics.parameter_file import from_parameter_set, is_parameter_set
from electrograd.physics.text_file import read_json
from electrograd.physics.windows import evaluated

ROUNDED = 1e-3
"""By how much volume fractions may sum to more than 1 from rounding."""


@dataclass(frozen=True)
class CellFile:
    """What a file holds.

    Attributes
    ----------
    values
        Its ``pybamm.ParameterValues``, with gaps.
    bpx
        Whether it is a BPX file.
    notes
        Sentences on what was ignored, or read otherwise than it stands.
    """

    values: Any
    bpx: bool
    notes: tuple[str, ...]


def cell_path(source: str | Path) -> Path | None:
    """Return the path if ``source`` is meant as a file; names are PyBaMM's sets."""
    path = Path(source)
    if isinstance(source, Path) or path.suffix or len(path.parts) > 1:
        return path
    return None


def read_cell_file(path: Path) -> CellFile:
    """Read a cell's file.

    Raises
    ------
    InputError
        For a file that is neither kind, or is damaged; it names the file.
    """
    content = read_json(path, "the cell's file")
    notes: list[str] = []
    bpx = "Header" in content or "Parameterisation" in content
    if bpx:
        values = from_bpx(content, path, notes)
    elif is_parameter_set(content):
        values = from_parameter_set(content, path, notes)
    else:
        beside = path.parent / "parameter_values.json"
        raise InputError(
            "the cell's file must be BPX, with 'Header' and 'Parameterisation', or a PyBaMM parameter "
            "set as JSON, with names such as 'Negative electrode thickness [m]'",
            ", ".join(list(content)[:3])[:80] or "an empty object",
            beside if beside.is_file() and beside != path else None,
            str(path),
        )
    _round_fractions(values, notes)
    return CellFile(values, bpx, tuple(f"{path.name}: {note}" for note in notes))


def _round_fractions(values: Any, notes: list[str]) -> None:
    """Take what a rounded sum of volume fractions has too much from the active material, and say so."""
    for side in ("Negative", "Positive"):
        pores, active = f"{side} electrode porosity", f"{side} electrode active material volume fraction"
        both = [values[name] for name in (pores, active) if name in values]
        if len(both) < 2 or not all(isinstance(value, int | float) for value in both):
            continue
        total = sum(both)
        if 1 + 1e-9 < total <= 1 + ROUNDED:
            values[active] = 1 - values[pores]
            notes.append(
                f"In the {side.lower()} electrode pores and active material sum to {total:.8g}, from "
                f"rounding; {values[active]:.6g} of active material is taken."
            )


def likely_materials(values: Any, place: str) -> dict[str, str | Sourced]:
    """Guess what a file's layers are made of from their potentials at half stoichiometry.

    Titanate lies near 1.55 V, graphite near 0.1 V; iron phosphate near 3.4 V, layered oxides above
    3.6 V.
    """
    from electrograd.physics.pybamm_import import pybamm

    parameters = pybamm.LithiumIonParameters()
    half = pybamm.Scalar(0.5)
    negative = evaluated(values, parameters.n.prim.U(half, parameters.T_ref))
    positive = evaluated(values, parameters.p.prim.U(half, parameters.T_ref))
    if not negative < positive:
        rule = "the positive electrode's potential must lie above the negative's"
        raise InputError(rule, f"{positive:.3f} and {negative:.3f} V at half stoichiometry", where=place)
    return {
        "Negative electrode density [kg.m-3]": "lithium titanate" if negative > 1 else "graphite",
        "Positive electrode density [kg.m-3]": "LFP" if positive < 3.6 else "layered oxide",
        "Separator density [kg.m-3]": "polyolefin",
    }
