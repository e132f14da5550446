"""Expressions and tables of a BPX file, checked before anything evaluates them.

The `bpx` package writes expressions into a Python file and runs it, and lets any function be called by
name; a file from a stranger must not.
"""

import ast
from collections.abc import Mapping
from typing import Any

from electrograd.physics.errors import InputError, is_finite

_FUNCTIONS = ("exp", "tanh", "cosh")
_DEEPEST = 30
"""The most brackets within one another: parsers go no deeper than Python's stack."""
_SHOWN = 80
"""The most letters of a file's text that a message repeats."""


def check_expressions(content: Any, place: str, field: str = "") -> None:
    """Refuse text that is more than arithmetic in x, and tables that are no function.

    Parameters
    ----------
    content
        A section of the file, or what stands under one of its fields.
    place
        The file.
    field
        Where the content stands in it.

    Raises
    ------
    InputError
        Which names the field, and the text or the part of it that is not allowed.
    """
    if isinstance(content, dict):
        if {"x", "y"} <= set(content):
            _check_table(content, place, field)
            return
        for name, value in content.items():
            if name != "description":
                check_expressions(value, place, f"{field} / {name}".strip(" /"))
    elif isinstance(content, str):
        _check_text(content, place, field)


def is_arithmetic(text: str) -> bool:
    """Whether text is a number or an expression in x that may be evaluated."""
    try:
        _check_text(text, "", "")
    except InputError:
        return False
    return True


def one_line(value: Any) -> Any:
    """Return an allowed expression on one line, powers of constants in floats; anything else as it is.

    A power of whole numbers has as many digits as it likes, and takes for ever.
    """
    if not isinstance(value, str):
        return value
    tree = ast.parse(value.strip(), mode="eval")
    powers = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)]
    whole = [
        node
        for power in powers
        if not any(isinstance(n, ast.Name) and n.id == "x" for n in ast.walk(power))
        for node in ast.walk(power)
        if isinstance(node, ast.Constant) and isinstance(node.value, int)
    ]
    for node in whole:
        node.value = float(str(node.value))
    return ast.unparse(tree) if whole else " ".join(value.split())


def _check_text(text: str, place: str, field: str) -> None:
    rule = f"{field!r} must be a number, a table or an expression in x of + - * / ** exp tanh cosh"
    if "^" in text:
        powers = text.replace("^", "**").strip()
        raise InputError(f"{rule}; a power is written **", repr(text)[:_SHOWN], powers[:_SHOWN], place)
    if _nested(text) > _DEEPEST:
        raise InputError(
            f"{rule}, of {_DEEPEST} brackets within one another at most",
            repr(text)[:_SHOWN],
            None,
            place,
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(rule, repr(text)[:_SHOWN], where=place) from error
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        bare = isinstance(node, ast.Name) and node.id in _FUNCTIONS and node not in called
        if bare or not _is_arithmetic(node):
            part = ast.unparse(node) if isinstance(node, ast.expr) else repr(text)
            raise InputError(rule, part[:_SHOWN], _instead(node), place)


def _nested(text: str) -> int:
    """How many brackets stand within one another."""
    deep = most = 0
    for letter in text:
        deep += (letter == "(") - (letter == ")")
        most = max(most, deep)
    return most


def _instead(node: ast.AST) -> str | None:
    """What the part of an expression that is not allowed is written as."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        inner = ", ".join(map(ast.unparse, node.args))
        if name == "sqrt":
            return f"({inner})**0.5"
        return f"{name}({inner})"[:_SHOWN] if name in _FUNCTIONS and len(node.args) == 1 else None
    if isinstance(node, ast.Name) and node.id.lower() in ("x", "sto", "soc", "c", "ce", "c_e", "theta"):
        return "x"
    return None


def _is_arithmetic(node: ast.AST) -> bool:
    """Whether one node of an expression's tree is plain arithmetic in x, and cheap to evaluate."""
    if isinstance(node, ast.Call):
        called = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
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
        return node.id in ("x", *_FUNCTIONS)
    allowed = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Load, ast.Add, ast.Sub, ast.Mult, ast.Div)
    return isinstance(node, (*allowed, ast.Pow, ast.UAdd, ast.USub))


def _check_table(table: Mapping[str, Any], place: str, field: str) -> None:
    """Raise `InputError` unless a table has as many x as y, finite, two at least and no x twice."""
    x, y = table["x"], table["y"]
    good = isinstance(x, list) and isinstance(y, list) and len(x) == len(y) >= 2
    good = good and all(isinstance(v, int | float) and is_finite(v) for v in [*x, *y])
    if not good or len(set(x)) < len(x):
        rule = f"the table {field!r} must have as many numbers x as y, two at least, and no x twice"
        raise InputError(rule, repr(table)[:_SHOWN], where=place)
