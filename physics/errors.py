"""The one error for bad input: it names the rule, the value received and the nearest valid one."""

from collections.abc import Iterable
from difflib import get_close_matches


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


def nearest_name(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name most like ``name``, or None if none is alike."""
    options = {option.lower(): option for option in valid}
    found = get_close_matches(str(name).lower(), options, n=1, cutoff=0.4)
    return options[found[0]] if found else None


def check_name(name: str, valid: Iterable[str], rule: str, where: str = "") -> None:
    """Raise `InputError` unless ``name`` is one of ``valid``."""
    valid = list(valid)
    if name not in valid:
        near = nearest_name(name, valid)
        raise InputError(rule, name, near or "one of " + ", ".join(valid), where)
