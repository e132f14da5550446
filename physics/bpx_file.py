"""Reading a cell from a BPX file, checked before PyBaMM sees it: https://bpxstandard.com."""

import ast
import copy
import json
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from electrograd.physics.cell_tables import COMMON, Sourced
from electrograd.physics.errors import InputError, nearest_name
from electrograd.physics.windows import evaluated, open_circuit_voltage, stoichiometry_windows

_BPX_TEMPORARY = {
    "Reference temperature [K]": 298.15,
    "Volume [m3]": math.nan,
    "External surface area [m2]": math.nan,
}
"""Optional in the standard, but PyBaMM's reader stops without them; NaN is filled later."""


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


def from_bpx(path: Path) -> Any:
    """Read a BPX file; see `load_parameter_values`."""
    from pydantic import ValidationError

    from electrograd.physics.pybamm_import import pybamm

    data = _checked_bpx(path)
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
        except (ArithmeticError, ValueError, TypeError, KeyError) as error:
            rule = "the file's functions must be defined over its stoichiometries"
            raise InputError(rule, error, where=str(path)) from error
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
    _check_bpx_windows(values, path)
    return values


def _checked_bpx(path: Path) -> dict[str, Any]:
    """Return the file's content; each section is checked by itself, so that an error names its field."""
    from pydantic import ValidationError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # bpx uses pyparsing's old names
        import bpx

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not a number")

    place = str(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise InputError("the BPX file must be readable", error.strerror, where=place) from error
    except (ValueError, RecursionError) as error:
        raise InputError("a BPX file must be JSON", error, where=place) from error
    if not isinstance(data, dict):
        raise InputError("a BPX file must hold an object", type(data).__name__, where=place)
    sections = {
        "Cell": bpx.schema.Cell,
        "Electrolyte": bpx.schema.Electrolyte,
        "Negative electrode": bpx.schema.ElectrodeSingle,
        "Positive electrode": bpx.schema.ElectrodeSingle,
        "Separator": bpx.schema.Contact,
    }
    for name in ("Header", "Parameterisation"):
        if not isinstance(data.get(name), dict):
            raise InputError(f"a BPX file must have the section {name!r}", "nothing", where=place)
    parameters = data["Parameterisation"]
    for name in sections:
        if not isinstance(parameters.get(name), dict):
            rule = f"a BPX file for the P2D model must have the section {name!r}"
            raise InputError(rule, "nothing", where=place)
        if "Particle" in parameters[name]:
            rule = "each electrode must be of one active material"
            raise InputError(rule, f"a blended {name.lower()}", where=place)
    _check_expressions(parameters, place, "")
    if not isinstance(data["Header"].get("BPX"), str | float | int):
        raise InputError("the section 'Header' lacks the field 'BPX'", "nothing", where=place)
    if str(data["Header"]["BPX"]).strip().startswith("0"):
        try:
            data = bpx.convert_v0_to_v1(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("the file must follow BPX 0.x", error, where=place) from error
    for name, schema in [("Header", bpx.schema.Header), *sections.items()]:
        content = data["Header"] if name == "Header" else data["Parameterisation"][name]
        try:
            section = schema.model_validate(copy.deepcopy(content))
        except ValidationError as error:
            raise _told(error, name, content, schema, place) from error
        _check_bpx_numbers(name, section, place)
    # The charge's own start is set later; PyBaMM would solve a balance to reach this one.
    initial = (data.get("State") or {}).get("Initial conditions")
    if isinstance(initial, dict):
        initial.pop("Initial state-of-charge", None)
    return data


def _check_bpx_numbers(section: str, content: Any, place: str) -> None:
    """Raise `InputError` for a number that cannot be: PyBaMM's reader takes logarithms of some."""
    for name, field in type(content).model_fields.items():
        value = getattr(content, name)
        if not isinstance(value, int | float) or "activation" in name or "entropic" in name:
            continue
        where = f"{field.alias!r} of the section {section!r}"
        if not math.isfinite(value) or value < 0 or (value == 0 and name != "minimum_stoichiometry"):
            raise InputError(f"{where} must be positive", value, where=place)
        if name in ("porosity", "transport_efficiency") and value >= 1:
            raise InputError(f"{where} must lie in (0, 1)", value, where=place)


def _told(error: Any, section: str, content: Mapping[str, Any], schema: Any, place: str) -> InputError:
    """Boil pydantic's report down to the first field that is wrong."""
    first = error.errors()[0]
    fields = [f.alias for f in schema.model_fields.values()]
    field = str(first["loc"][0]) if first["loc"] else section
    if first["type"] == "missing":
        return InputError(f"the section {section!r} lacks the field {field!r}", "nothing", where=place)
    if first["type"] == "extra_forbidden":
        near = nearest_name(field, fields)
        return InputError(f"the section {section!r} knows no such field", field, near, place)
    rule = f"{field!r} of the section {section!r} is not valid ({first['msg']})"
    return InputError(rule, content.get(field, "nothing"), where=place)


def _check_expressions(content: Any, place: str, field: str) -> None:
    """Refuse text that is more than arithmetic in x, and tables that are no function.

    The `bpx` package writes expressions into a Python file and runs it, and lets any function be called
    by name; a file from a stranger must not.
    """
    if isinstance(content, dict):
        if set(content) == {"x", "y"}:
            _check_table(content, place, field)
            return
        for name, value in content.items():
            if name != "description":
                _check_expressions(value, place, f"{field} / {name}".strip(" /"))
    elif isinstance(content, str):
        rule = f"{field!r} must be a number, a table or an expression in x of + - * / ** exp tanh cosh"
        try:
            tree = ast.parse(content.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(rule, repr(content)[:80], where=place) from error
        for node in ast.walk(tree):
            if not _is_arithmetic(node):
                raise InputError(rule, ast.unparse(node)[:80], where=place)


def _is_arithmetic(node: ast.AST) -> bool:
    """Whether one node of an expression's tree is plain arithmetic in x, and cheap to evaluate."""
    if isinstance(node, ast.Call):
        called = isinstance(node.func, ast.Name) and node.func.id in ("exp", "tanh", "cosh")
        return called and len(node.args) == 1 and not node.keywords
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        # Towers of whole numbers take for ever.
        sides = (node.left, node.right)
        towers = any(isinstance(n, ast.Pow) for side in sides for n in ast.walk(side))
        constants = [n.value for side in sides for n in ast.walk(side) if isinstance(n, ast.Constant)]
        return not towers and all(not isinstance(c, int) or c <= 10**6 for c in constants)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.Name):
        return node.id in ("x", "exp", "tanh", "cosh")
    allowed = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Load, ast.Add, ast.Sub, ast.Mult, ast.Div)
    return isinstance(node, (*allowed, ast.Pow, ast.UAdd, ast.USub))


def _check_table(table: Mapping[str, Any], place: str, field: str) -> None:
    """Raise `InputError` unless a table has as many x as y, finite, two at least and no x twice."""
    x, y = table["x"], table["y"]
    good = isinstance(x, list) and isinstance(y, list) and len(x) == len(y) >= 2
    good = good and all(isinstance(v, int | float) and math.isfinite(v) for v in [*x, *y])
    if not good or len(set(x)) < len(x):
        rule = f"the table {field!r} must have as many numbers x as y, two at least, and no x twice"
        raise InputError(rule, repr(table)[:80], where=place)


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


def bpx_materials(values: Any, place: str) -> dict[str, str | Sourced]:
    """Guess what a BPX file's layers are made of from their potentials at half stoichiometry.

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
