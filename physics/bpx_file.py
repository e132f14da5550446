"""Reading a cell from a BPX file, checked before PyBaMM sees it: https://bpxstandard.com."""

import copy
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from electrograd.physics.bpx_expressions import check_expressions, one_line
from electrograd.physics.bpx_fields import (
    known_fields,
    known_sections,
    known_state,
    lacking,
    read_version,
    user_defined,
)
from electrograd.physics.cell_tables import COMMON
from electrograd.physics.errors import InputError, is_finite
from electrograd.physics.windows import open_circuit_voltage, stoichiometry_windows

_BPX_TEMPORARY = {
    "Reference temperature [K]": 298.15,
    "Volume [m3]": math.nan,
    "External surface area [m2]": math.nan,
}
"""Optional in the standard, but PyBaMM's reader stops without them; NaN is filled later."""
_ANY_SIGN = ("activation energy", "Entropic change")
"""Beginnings or parts of the fields that may be zero or negative."""
_MAY_BE_ZERO = ("Minimum stoichiometry", "Heat transfer coefficient")
_SHARES = ("Porosity", "Transport efficiency")


@contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Collect the Python files that `bpx` writes for every expression and never deletes."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def from_bpx(content: Mapping[str, Any], path: Path, notes: list[str]) -> Any:
    """Return the parameter values of a BPX file.

    Parameters
    ----------
    content
        The file's JSON.
    path
        Of the file, for messages.
    notes
        What is said of the file is added here: fields that are ignored, a version that is newer.

    Raises
    ------
    InputError
        As `cell_data.load_parameter_values` does.
    """
    from pydantic import ValidationError

    from electrograd.physics.pybamm_import import pybamm

    data = _checked_bpx(content, str(path), notes)
    for name, value in _BPX_TEMPORARY.items():
        data["Parameterisation"]["Cell"].setdefault(name, value)
    data["Header"]["Model"] = "DFN"
    told = (
        "The BPX 'State' section",  # our tables give what the file leaves out
        "'Open-circuit voltage at",
        "The (max|min)imum voltage comp",  # warnings_for tells
    )
    with warnings.catch_warnings(), _own_temporary_folder():
        for beginning in told:
            warnings.filterwarnings("ignore", beginning, UserWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # PyBaMM's reader uses pydantic's old names
        try:
            values = pybamm.ParameterValues.create_from_bpx_obj(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = " / ".join(str(part) for part in first["loc"])
            rule = f"the file must follow the BPX standard ({first['msg'].splitlines()[0]})"
            raise InputError(rule, where or "the whole file", where=str(path)) from error
        except (ArithmeticError, ValueError, TypeError, KeyError, RecursionError) as error:
            rule = "the file's functions must be defined over its stoichiometries"
            raise InputError(rule, error, where=str(path)) from error
    _fill_gaps(values)
    _check_bpx_windows(values, path)
    return values


def _fill_gaps(values: Any) -> None:
    """Take out what PyBaMM's reader puts where the standard has nothing."""
    for name in ("Cell volume [m3]", "Cell cooling surface area [m2]"):
        if math.isnan(values[name]):
            del values[name]
    for side in ("Negative", "Positive"):
        # PyBaMM writes 0, for the standard has no foils.
        del values[f"{side} current collector thickness [m]"]
        entropic = f"{side} electrode OCP entropic change [V.K-1]"
        if entropic not in values:
            values.update({entropic: COMMON[entropic].value})
    if values["Total heat transfer coefficient [W.m-2.K-1]"] == 0:
        del values["Total heat transfer coefficient [W.m-2.K-1]"]


def _checked_bpx(content: Mapping[str, Any], place: str, notes: list[str]) -> dict[str, Any]:
    """Return what is read of the file; sections are checked one by one: an error names its field."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # bpx uses pyparsing's old names
        import bpx

    schema = bpx.schema
    sections = {
        "Cell": schema.Cell,
        "Electrolyte": schema.Electrolyte,
        "Negative electrode": schema.ElectrodeSingle,
        "Positive electrode": schema.ElectrodeSingle,
        "Separator": schema.Contact,
    }
    data = copy.deepcopy(dict(content))
    _check_sections(data, sections, place)
    if read_version(data["Header"], place, notes):
        try:
            data = bpx.convert_v0_to_v1(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("the file must follow BPX 0.x", error, where=place) from error
    known = ("Header", "Parameterisation", "State", "Validation")
    data = known_sections(data, known, "", notes)
    data.pop("Validation", None)  # measured curves, which no parameter needs
    data["Header"] = _read_section("Header", data["Header"], schema.Header, place, notes)
    parameters = data["Parameterisation"]
    own = user_defined(parameters.pop("User-defined", None), notes)
    parameters = known_sections(parameters, tuple(sections), " in 'Parameterisation'", notes)
    for name, kind in sections.items():
        parameters[name] = _read_section(name, parameters[name], kind, place, notes)
    _check_own(own, place)
    data["Parameterisation"] = {**parameters, **({"User-defined": own} if own else {})}
    fields = {
        "Initial conditions": _fields(schema.InitialConditions),
        "Thermal environment": _fields(schema.ThermalState),
    }
    state = known_state(data.pop("State", None), fields, place, notes)
    return {**data, "State": state} if state else data


def _check_sections(data: Mapping[str, Any], sections: Mapping[str, Any], place: str) -> None:
    """Raise `InputError` unless the file has the sections that the P2D model needs."""
    for name in ("Header", "Parameterisation"):
        if not isinstance(data.get(name), dict):
            raise lacking(name, data, place, "a BPX file")
    parameters = data["Parameterisation"]
    for name in sections:
        if not isinstance(parameters.get(name), dict):
            raise lacking(name, parameters, place, "a BPX file for the P2D model")
        if "Particle" in parameters[name]:
            rule = "each electrode must be of one active material"
            raise InputError(rule, f"a blended {name.lower()}", where=place)


def _fields(schema: Any) -> dict[str, bool]:
    """Fields of a section of the standard, and whether each is required."""
    return {field.alias: field.is_required() for field in schema.model_fields.values()}


def _read_section(
    name: str, content: dict[str, Any], schema: Any, place: str, notes: list[str]
) -> dict[str, Any]:
    """Return the fields of a section that are read, each of them valid; raises `InputError`."""
    from pydantic import ValidationError

    fields = _fields(schema)
    kept = known_fields(name, content, fields, place, notes)
    if name == "Header":
        kept = {field: kept[field] for field in kept if fields[field]}
    else:
        check_expressions(kept, place, name)
        kept = {field: one_line(value) for field, value in kept.items()}
    try:
        section = schema.model_validate(copy.deepcopy(kept))
    except ValidationError as error:
        raise _told(error, name, kept, place) from error
    _check_bpx_numbers(name, section, place)
    for field in ("Minimum stoichiometry", "Maximum stoichiometry"):  # no whole numbers in powers of x
        if field in kept:
            kept[field] = float(kept[field])
    return kept


def _check_bpx_numbers(section: str, content: Any, place: str) -> None:
    """Raise `InputError` for a number that cannot be: PyBaMM's reader takes logarithms of some."""
    for name, field in type(content).model_fields.items():
        value, alias = getattr(content, name), field.alias
        if not isinstance(value, int | float):
            continue
        where = f"{alias!r} of the section {section!r}"
        if any(part in alias for part in _ANY_SIGN):
            if not is_finite(value):
                raise InputError(f"{where} must be finite", str(value)[:40], where=place)
            continue
        if not is_finite(value) or value < 0 or (value == 0 and alias not in _MAY_BE_ZERO):
            raise InputError(f"{where} must be positive", str(value)[:40], where=place)
        if alias in _SHARES and value >= 1:
            near = value / 100 if 1 < value < 100 else None
            raise InputError(f"{where} must lie in (0, 1)", value, near, place)


def _check_own(own: Mapping[str, Any], place: str) -> None:
    """Raise `InputError` for a table of the file's own that is no function, or a number without end."""
    check_expressions(own, place, "User-defined")
    for name, value in own.items():
        if isinstance(value, int | float) and not is_finite(value):
            raise InputError(f"{name!r} of 'User-defined' must be finite", str(value)[:40], where=place)


def _told(error: Any, section: str, content: Mapping[str, Any], place: str) -> InputError:
    """Boil pydantic's report down to the first field that is wrong."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else section
    if first["type"] == "missing":
        return InputError(f"the section {section!r} lacks the field {field!r}", "nothing", where=place)
    rule = f"{field!r} of the section {section!r} is not valid ({first['msg']})"
    return InputError(rule, repr(content.get(field, "nothing"))[:80], where=place)


def _check_bpx_windows(values: Any, path: Path) -> None:
    """Raise `InputError` unless stoichiometries are ordered and potentials are numbers at their ends."""
    for side in ("Negative", "Positive"):
        least, most = (values[f"{side} electrode {m} stoichiometry"] for m in ("minimum", "maximum"))
        if not 0 <= least < most <= 1:
            rule = f"{side} electrode: 0 ≤ minimum stoichiometry < maximum stoichiometry ≤ 1"
            raise InputError(rule, f"{least} and {most}", where=str(path))
    windows = stoichiometry_windows(path, values)
    for end in (0, 1):
        try:
            voltage = open_circuit_voltage(values, windows["negative"][end], windows["positive"][end])
        except ArithmeticError:
            voltage = math.nan
        if not math.isfinite(voltage):
            rule = "'OCP [V]' of both electrodes must be a number at the window's ends"
            raise InputError(rule, voltage, where=str(path))
