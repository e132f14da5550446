"""Reading a PyBaMM parameter set from JSON, as `pybamm.ParameterValues.to_json` writes it.

PyBaMM's own reader imports whatever class a file names. Here a function is rebuilt from a short list
of operations, and a file that asks for any other is refused: nothing in it is imported or run.
"""

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from electrograd.physics.cell_tables import COMMON
from electrograd.physics.errors import InputError, nearest_name

_DEEPEST = 100
"""The most operations within one another."""
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Addition": operator.add,
    "Subtraction": operator.sub,
    "Multiplication": operator.mul,
    "Division": operator.truediv,
    "Power": operator.pow,
    "EqualHeaviside": operator.le,
    "NotEqualHeaviside": operator.lt,
    "Modulo": operator.mod,
}
_UNARY: dict[str, Callable[[Any], Any]] = {"Negate": operator.neg, "AbsoluteValue": abs}
_OF_PYBAMM = {
    **{name: name.lower() for name in ("Exp", "Log", "Sqrt", "Tanh", "Sinh", "Cosh", "Sin", "Cos")},
    **{name: name.lower() for name in ("Arctan", "Arcsinh", "Erf", "Sign", "Minimum", "Maximum")},
}
"""PyBaMM's functions by the name of the class that they are stored as."""
_INTERPOLATORS = ("linear", "cubic", "pchip")
_REPLACED = ("Current function [A]",)
"""Parameters that a simulation sets itself: whatever they are in a file, they are not read."""


def is_parameter_set(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object holds a cell's parameters by PyBaMM's names."""
    return any(f"{side} electrode thickness [m]" in content for side in ("Negative", "Positive"))


def from_parameter_set(content: Mapping[str, Any], path: Path, notes: list[str]) -> Any:
    """Return the parameter values that a JSON object holds.

    Parameters
    ----------
    content
        By PyBaMM's names: numbers, and functions as trees of operations.
    path
        Of the file, for messages.
    notes
        What is said of the file is added here.

    Raises
    ------
    InputError
        For a function of other operations than those listed here, or a table that is none.
    """
    from electrograd.physics.pybamm_import import pybamm

    found: dict[str, Any] = {}
    names = frozenset((*content, *COMMON))
    for name, value in content.items():
        if name in _REPLACED:
            continue
        place = f"{path}, {name!r}"
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                read = _value(value, names, place)
        except RecursionError as error:
            raise InputError(
                "a function must not be so deep", "a tree of operations", None, place
            ) from error
        except (ArithmeticError, ValueError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                "a function must be one that can be evaluated", error, None, place
            ) from error
        if read is not None:
            found[name] = read
    _usable_cut_off(found, notes)
    return pybamm.ParameterValues(found)


def _usable_cut_off(found: dict[str, Any], notes: list[str]) -> None:
    """Take the open-circuit limit where a package put 0 V, so that no charge ends as it begins."""
    lower, empty = "Lower voltage cut-off [V]", "Open-circuit voltage at 0% SOC [V]"
    if found.get(lower) == 0 and isinstance(found.get(empty), float):
        found[lower] = found[empty]
        notes.append(f"Its lower voltage cut-off is 0 V; {found[empty]:g} V is taken, {empty!r}.")


def _value(value: Any, names: frozenset[str], place: str) -> Any:
    """Return a number or a function; None for what no parameter can be."""
    if isinstance(value, bool) or value is None or isinstance(value, list):
        return None
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    if isinstance(value, int | float):
        return _number(value, place)
    kind = _kind(value, place)
    if kind == "float":
        return None  # infinite, or not a number
    if kind == "ExpressionFunctionParameter":
        return _function(value, names, place)
    return _symbol(value, dict.fromkeys(names), place, 0)


def _number(value: Any, place: str) -> float:
    try:
        number = float(value)
    except (OverflowError, ValueError, TypeError) as error:
        raise InputError("a parameter must be a finite number", repr(value)[:40], None, place) from error
    if isinstance(value, bool | str) or not math.isfinite(number):
        raise InputError("a parameter must be a finite number", repr(value)[:40], None, place)
    return number


def _kind(node: Any, place: str) -> str:
    """Name of the operation that a node is, whichever release of PyBaMM wrote it."""
    tag = node.get("$type", node.get("type", node.get("py/object"))) if isinstance(node, dict) else None
    if not isinstance(tag, str):
        raise InputError("a function must be a tree of operations", repr(node)[:60], None, place)
    module, _, name = tag.rpartition(".")
    if module not in ("", "builtins") and module.partition(".")[0] != "pybamm":
        raise InputError(_rule(), tag[:60], None, place)
    return name


def _rule() -> str:
    known = [*_BINARY, *_UNARY, *_OF_PYBAMM, "Interpolant", "FunctionParameter", "Parameter"]
    return f"a function may be made of these alone: {', '.join(known)} and numbers"


def _children(node: Mapping[str, Any], count: int | None, place: str) -> list[Any]:
    children = node.get("children")
    if not isinstance(children, list) or (count is not None and len(children) != count):
        raise InputError("an operation must have its arguments", repr(children)[:60], None, place)
    return children


def _function(node: Mapping[str, Any], known: frozenset[str], place: str) -> Callable[..., Any]:
    """Return a function of its arguments' names; a wrong one is met now, for it is called once."""
    from electrograd.physics.pybamm_import import pybamm

    names = node.get("func_args")
    if not isinstance(names, list) or not all(isinstance(n, str) and n.isidentifier() for n in names):
        raise InputError("a function must name its arguments", repr(names)[:60], None, place)
    if len(set(names)) < len(names):
        raise InputError("a function's arguments must differ", repr(names)[:60], None, place)
    (body,) = _children(node, 1, place)
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    signature = inspect.Signature(parameters)

    def function(*values: Any, **named: Any) -> Any:
        given = signature.bind(*values, **named).arguments
        return _symbol(body, {**dict.fromkeys(known), **given}, place, 0)

    function.__signature__ = signature  # type: ignore[attr-defined]  # PyBaMM asks for the names
    said = node.get("func_name")
    function.__name__ = said if isinstance(said, str) and said.isidentifier() else "function"
    function(*(pybamm.InputParameter(name) for name in names))
    return function


def _symbol(node: Any, arguments: Mapping[str, Any], place: str, depth: int) -> Any:
    """Return an operation as PyBaMM's symbol.

    ``arguments`` gives the function's, and None for each of the set's parameters.
    """
    from electrograd.physics.pybamm_import import pybamm

    if depth > _DEEPEST:
        raise InputError(f"a function may be {_DEEPEST} operations deep", "more", None, place)
    if isinstance(node, int | float):
        return pybamm.Scalar(_number(node, place))
    kind = _kind(node, place)

    def inner(count: int | None) -> list[Any]:
        return [_symbol(one, arguments, place, depth + 1) for one in _children(node, count, place)]

    if kind in ("Scalar", "Constant"):
        return pybamm.Scalar(_number(node.get("value"), place))
    if kind == "Parameter":
        name = _known(node, arguments, place)
        return pybamm.Parameter(name) if arguments[name] is None else arguments[name]
    if kind in _BINARY:
        return _BINARY[kind](*inner(2))
    if kind in _UNARY:
        return _UNARY[kind](*inner(1))
    if kind in _OF_PYBAMM:
        return getattr(pybamm, _OF_PYBAMM[kind])(*inner(2 if kind in ("Minimum", "Maximum") else 1))
    if kind == "Interpolant":
        return _table(node, inner(None), place)
    if kind == "FunctionParameter":
        names = node.get("input_names")
        if not isinstance(names, list) or node.get("has_diff_variable"):
            raise InputError("a function must name its arguments", repr(names)[:60], None, place)
        inputs = dict(zip(map(str, names), inner(len(names)), strict=True))
        return pybamm.FunctionParameter(_known(node, arguments, place), inputs)
    raise InputError(_rule(), kind[:60], None, place)


def _known(node: Mapping[str, Any], arguments: Mapping[str, Any], place: str) -> str:
    """Return the name of an argument, or of a parameter that the set has."""
    name = node.get("name")
    if not isinstance(name, str) or name not in arguments:
        rule = "a function must be of its arguments, and of parameters that the file has"
        raise InputError(rule, repr(name)[:60], nearest_name(str(name)[:60], arguments), place)
    return name


def _table(node: Mapping[str, Any], children: list[Any], place: str) -> Any:
    """Return a table of one argument as PyBaMM's interpolant."""
    from electrograd.physics.pybamm_import import pybamm

    x, y, kind = node.get("x"), node.get("y"), node.get("interpolator", "linear")
    x = x[0] if isinstance(x, list) and len(x) == 1 and isinstance(x[0], list) else x
    lists = isinstance(x, list) and isinstance(y, list) and len(x) == len(y) >= 2
    if not (lists and len(children) == 1 and kind in _INTERPOLATORS):
        rule = "a table must have as many numbers x as y, of one argument, linear, cubic or pchip"
        raise InputError(rule, repr(node)[:60], None, place)
    along = np.array([_number(v, place) for v in x or ()])
    if not np.all(np.diff(along) > 0):
        raise InputError("a table's x must ascend", repr(x)[:60], None, place)
    values = np.array([_number(v, place) for v in y or ()])
    name = node.get("name")
    return pybamm.Interpolant(
        along,
        values,
        children[0],
        name=name if isinstance(name, str) else None,
        interpolator=kind,
        extrapolate=bool(node.get("extrapolate", True)),
    )
