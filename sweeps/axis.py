"""One variable of a design space: what values it takes, and how even numbers become them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from electrograd.physics.errors import InputError, check_name
from electrograd.physics.slips import meant, scales, unit_meant
from electrograd.physics.variables import C_RATE, VARIABLES
from electrograd.physics.variants import CATEGORIES

CONTINUOUS, LOG, INTEGER, CHOICES = "continuous", "log", "integer", "choices"

Said = Sequence[Any] | Mapping[str, Sequence[Any]]
"""An axis as a study says it: ``[lower, upper]``, or ``{kind: values}`` of another kind."""


@dataclass(frozen=True)
class Axis:
    """One design variable: its values in a sweep.

    Attributes
    ----------
    name
        Of `VARIABLES`, or of `CATEGORIES`, whose values are labels.
    lower, upper
        Bounds in SI units. Of choices: the least and the greatest; of labels, the first and the last
        position.
    kind
        "continuous"; "log": even in the logarithm; "integer": every whole number alike; "choices": one
        of ``choices``.
    choices
        Numbers, or labels. A label's value in an array is its position here.

    Raises
    ------
    InputError
        For an unknown name, bounds that are not plausible and ascending, bounds of whole numbers that
        are not whole, and fewer than two choices, the same choice twice, or unknown ones.
    """

    name: str
    lower: float
    upper: float
    kind: str = CONTINUOUS
    choices: tuple[float, ...] | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_known(self.name)
        check_name(self.kind, (CONTINUOUS, LOG, INTEGER, CHOICES), "a variable's kind must be known")
        if self.name in CATEGORIES and not self.labelled:
            raise _takes_labels(self.name, self.kind)
        if self.kind == CHOICES:
            _check_choices(self.name, self.choices)
        else:
            _check_bounds(self.name, self.lower, self.upper, self.kind)

    @classmethod
    def of(cls, name: str, said: Said) -> "Axis":
        """Read an axis as a study says it; see `Said`. Raises as the class does."""
        _check_known(name)
        if name in CATEGORIES and not (isinstance(said, Mapping) and CHOICES in said):
            raise _takes_labels(name, dict(said) if isinstance(said, Mapping) else list(said))
        if not isinstance(said, Mapping):
            return cls._between(name, CONTINUOUS, said)
        if len(said) != 1:
            raise InputError(f"{name!r} must be of one kind", list(said), "one of log, integer, choices")
        ((kind, values),) = said.items()
        if kind != CHOICES:
            return cls._between(name, kind, values)
        if name not in CATEGORIES:
            choices = tuple(_number(name, value) for value in values)
            lower, upper = (min(choices), max(choices)) if choices else (0.0, 0.0)
            return cls(name, lower, upper, CHOICES, choices)
        return cls(name, 0.0, float(len(values) - 1), CHOICES, tuple(map(str, values)))

    @classmethod
    def _between(cls, name: str, kind: str, values: Sequence[Any]) -> "Axis":
        if len(values) != 2:
            raise InputError(f"bounds of {name!r} are two numbers", list(values), "[lower, upper]")
        lower, upper = (_number(name, value) for value in values)
        return cls(name, lower, upper, kind)

    @property
    def labelled(self) -> bool:
        """Whether its values are labels."""
        return self.kind == CHOICES and self.name in CATEGORIES

    @property
    def smooth(self) -> bool:
        """Whether it takes every value between its bounds."""
        return self.kind in (CONTINUOUS, LOG)

    @property
    def levels(self) -> int:
        """How many values it takes; 0 where it takes every value between its bounds."""
        if self.kind == INTEGER:
            return int(self.upper - self.lower) + 1
        return len(self.choices)

    def from_unit(self, unit: Float[np.ndarray, " designs"]) -> Float[np.ndarray, " designs"]:
        """Map even numbers in [0, 1] to values; labels come as their positions."""
        if self.levels:
            # What lies on the edge of two values is the upper one's, rounded down or not.
            position = np.minimum(np.floor(unit * self.levels + 1e-12), self.levels - 1)
            if self.kind == INTEGER:
                return self.lower + position
            return position if self.labelled else np.asarray(self.choices, float)[position.astype(int)]
        if self.kind == LOG:
            low, high = math.log(self.lower), math.log(self.upper)
            values = np.exp(unit * (high - low) + low)
        else:
            values = unit * (self.upper - self.lower) + self.lower
        # Rounding must not take a value out of its bounds.
        return np.clip(values, self.lower, self.upper)

    def holds(self, value: float, tolerance: float = 0.0) -> bool:
        """Whether it takes a value, bounds give or take a tolerance relative to the width."""
        slack = tolerance * (self.upper - self.lower)
        if not self.lower - slack <= value <= self.upper + slack:
            return False
        if self.kind == INTEGER or self.labelled:
            return float(value).is_integer()
        return self.kind != CHOICES or value in self.choices

    def decode(self, value: float) -> float | str:
        """Return a value as a design has it: a label in words."""
        return self.choices[int(value)] if self.labelled else float(value)

    def encode(self, text: str) -> float:
        """Read a value from text, such as a table's cell.

        Raises
        ------
        InputError
            For a value that the axis does not take, with the nearest one that it does.
        """
        if self.labelled:
            check_name(text, map(str, self.choices), f"{self.name!r} must be one of its choices")
            return float(list(self.choices).index(text))
        try:
            value = float(text)
        except ValueError as error:
            raise InputError(f"{self.name!r} must be a number", repr(text), f"{self.lower:g}") from error
        if not self.holds(value):
            raise InputError(f"{self.name!r} must be {self}", text, f"{self._nearest(value):g}")
        return value

    def _nearest(self, value: float) -> float:
        near = self.lower if math.isnan(value) else min(max(value, self.lower), self.upper)
        if self.kind == INTEGER:
            return float(round(near))
        numbers = [float(choice) for choice in self.choices]
        return min(numbers, key=lambda choice: abs(choice - near)) if numbers else near

    def __str__(self) -> str:
        """Say in words what values it takes."""
        if self.kind == CHOICES:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        whole = "a whole number " if self.kind == INTEGER else ""
        return f"{whole}within [{self.lower:g}, {self.upper:g}]"

    def said(self) -> Any:
        """Return the axis as a study says it, in plain values for JSON; undoes `of`."""
        if self.kind == CONTINUOUS:
            return [self.lower, self.upper]
        return {self.kind: list(self.choices) or [self.lower, self.upper]}


def _check_known(name: str) -> None:
    check_name(name, [*VARIABLES, *CATEGORIES], "a design variable must be one this release knows")


def _takes_labels(name: str, value: object) -> InputError:
    return InputError(f"{name!r} takes labels", value, f"{{choices: [{', '.join(CATEGORIES[name])}]}}")


def _number(name: str, value: Any) -> float:
    valid = VARIABLES.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        near = valid and meant(value, unit_meant(name), lambda x: valid.lower <= x <= valid.upper)
        raise InputError(f"values of {name!r} must be numbers", repr(value)[:80], near)
    if not math.isfinite(value):
        raise InputError(f"values of {name!r} must be finite", repr(value))
    return float(value)


def _check_bounds(name: str, lower: float, upper: float, kind: str) -> None:
    valid = VARIABLES[name]
    if lower == upper:
        raise InputError(
            f"a variable must have two bounds that differ; {name!r} has one value",
            f"[{lower:g}, {upper:g}]",
            _alone(name, lower),
        )
    if not valid.lower <= lower < upper <= valid.upper:
        raise InputError(
            f"bounds of {name!r} must ascend within [{valid.lower:g}, {valid.upper:g}]",
            f"[{lower:g}, {upper:g}]",
            nearest_bounds(name, lower, upper),
        )
    if kind == LOG and lower <= 0:
        raise InputError(f"bounds of {name!r} must be above 0, where a logarithm is", f"{lower:g}")
    if kind == INTEGER and not (lower.is_integer() and upper.is_integer()):
        low, high = math.ceil(lower), math.floor(upper)
        raise InputError(
            f"bounds of {name!r} must be whole numbers",
            f"[{lower:g}, {upper:g}]",
            f"[{low}, {high}]" if low < high else "a continuous variable, [lower, upper]",
        )


def _alone(name: str, value: float) -> str:
    """Say where a value that all designs share belongs."""
    valid = VARIABLES[name]
    near = meant(value, unit_meant(name), lambda x: valid.lower <= x <= valid.upper)
    told = f"{value if near is None else near:g}"
    if name.startswith(C_RATE):
        return f"the rate in the scenario, {told}"
    return f"{name}: {told}, under 'fixed:' and not under 'variables:'"


def _check_choices(name: str, choices: Sequence[Any]) -> None:
    if len(choices) < 2:
        near = _alone(name, choices[0]) if choices and name in VARIABLES else None
        raise InputError(
            f"{name!r} must have two choices at least", list(choices), near or "another choice"
        )
    for k, choice in enumerate(choices):
        if choice in choices[:k]:
            raise InputError(f"choices of {name!r} must differ", list(choices), f"{choice} once")
        if name in CATEGORIES:
            check_name(str(choice), CATEGORIES[name], f"a choice of {name!r} must be one of its labels")
        else:
            VARIABLES[name].check(choice)


def nearest_bounds(name: str, lower: float, upper: float) -> str:
    """Suggest valid bounds near the given ones: swapped, in another unit's scale, or cut."""
    valid = VARIABLES[name]
    low, high = sorted((lower, upper))
    for scale in (1.0, *scales(unit_meant(name)), -1.0):
        one, other = sorted((low * scale, high * scale))
        if valid.lower <= one < other <= valid.upper:
            return f"[{one:g}, {other:g}]"
    low, high = max(low, valid.lower), min(high, valid.upper)
    return f"[{low:g}, {high:g}]" if low < high else f"[{valid.lower:g}, {valid.upper:g}]"
