"""The one error for bad input: it names the rule, the value received and the nearest valid one."""

from collections.abc import Iterable

from electrograd.physics.nearness import families, not_offered
from electrograd.physics.nearness import nearest_name as nearest_name

_TOLD = 14
"""The most valid names that a message lists."""


class InputError(ValueError):
    """Input that breaks a stated rule.

    Parameters
    ----------
    rule
        What must hold, in words a user knows.
    value
        What was received.
    nearest
        The nearest valid value or name, or None where there is none.
    where
        The place of the value (file and line, or argument), if known.
    """

    def __init__(self, rule: str, value: object, nearest: object | None = None, where: str = "") -> None:
        self.rule, self.value, self.nearest, self.where = rule, value, nearest, where
        place = f"{where}: " if where else ""
        hint = "" if nearest is None else f"; nearest valid: {nearest}"
        super().__init__(f"{place}{rule}; received: {value}{hint}")

    def __reduce__(self) -> tuple[type["InputError"], tuple[object, ...]]:
        """Travel between processes by what it says."""
        return type(self), (self.rule, str(self.value), self.nearest, self.where)


def check_name(name: str, valid: Iterable[str], rule: str, where: str = "") -> None:
    """Raise `InputError` unless ``name`` is one of ``valid``."""
    valid = list(valid)
    if name not in valid:
        near = nearest_name(name, valid)
        said = None if near else not_offered(name)
        rule = f"{rule}; {said}" if said else rule
        raise InputError(rule, name, near or one_of(valid), where)


def one_of(valid: Iterable[str]) -> str:
    """Say which names are valid, the first ones where they are many."""
    known = families(valid)
    more = f", … ({len(known)} in all)" if len(known) > _TOLD + 1 else ""
    return "one of " + ", ".join(known[:_TOLD] if more else known) + more


def is_finite(value: int | float) -> bool:
    """Whether a number can be computed with; a whole number from a file may have any digits."""
    return -1e300 < value < 1e300
