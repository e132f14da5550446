"""What is wanted of a design: one figure of merit, and limits on others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError, check_name
from electrograd.physics.slips import meant, unit_meant
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    AIMS,
    CHARGE_TIME,
    HOTTEST,
    PLATING_MARGIN,
    figure_and_scenario,
)
from electrograd.surrogates.objective import Differentiable

PLAUSIBLE = {
    ACCEPTED_SHARE: (0.0, 1.1),
    PLATING_MARGIN: (-1.0, 1.0),
    CHARGE_TIME: (60.0, 1e6),
    HOTTEST: (200.0, 500.0),
}
"""Range in which a limit can be meant; what lies outside is a slip of units."""


@runtime_checkable
class Predictor(Differentiable, Protocol):
    """What the search asks of a surrogate; `Surrogate` is one, and so is anything with these."""

    def predict(self, designs: np.ndarray) -> dict[str, Float[np.ndarray, " designs"]]:
        """Figures of merit of designs of shape (designs, variables)."""
        ...

    def predict_one(self, design: Mapping[str, float]) -> dict[str, float]:
        """Figures of merit of one design given by name."""
        ...

    def interval(self, figure: str) -> float:
        """Half-width of the 90 % interval of a figure of merit, in its unit."""
        ...


@runtime_checkable
class Cautious(Predictor, Protocol):
    """A predictor that knows how wrong it may be at each design, differentiably."""

    def half_widths_at(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Half-widths of the 90 % intervals of learned figures at one design."""
        ...


@dataclass(frozen=True)
class Limit:
    """A bound on one figure of merit, in its SI unit; `in_scenario` names those of further scenarios."""

    figure: str
    sense: Literal["at least", "at most"]
    value: float

    def __post_init__(self) -> None:
        figure, _ = figure_and_scenario(self.figure)
        check_name(figure, AIMS, "a limit must be on a predicted figure of merit")
        low, high = PLAUSIBLE.get(figure, (-math.inf, math.inf))
        if not low <= self.value <= high:
            likely = meant(self.value, unit_meant(figure), lambda x: low <= x <= high)
            near = min(max(self.value, low), high) if likely is None else likely
            raise InputError(
                f"a limit on {self.figure!r} must lie in [{low:g}, {high:g}]", self.value, f"{near:g}"
            )

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 where less is."""
        return 1 if self.sense == "at least" else -1

    def slack(self, figures: Mapping[str, Any]) -> Any:
        """By how much the limit holds: negative where it is broken."""
        return self.sign * (figures[self.figure] - self.value)

    def holds(self, figures: Mapping[str, float]) -> bool:
        """Whether the limit holds; a NaN breaks it."""
        return bool(self.slack(figures) >= 0)


@dataclass(frozen=True)
class Goal:
    """One figure of merit, maximised or minimised, within limits on others.

    Raises
    ------
    InputError
        For an unknown figure of merit, or limits that contradict each other.
    """

    figure: str
    sense: Literal["maximise", "minimise"]
    limits: tuple[Limit, ...]

    def __post_init__(self) -> None:
        figure, _ = figure_and_scenario(self.figure)
        check_name(figure, AIMS, "the goal must be a predicted figure of merit")
        for low in self.limits:
            for high in self.limits:
                if (
                    low.figure == high.figure
                    and (low.sense, high.sense) == ("at least", "at most")
                    and low.value > high.value
                ):
                    raise InputError(
                        f"limits on {low.figure!r} must leave a value between them",
                        f"at least {low.value:g}, at most {high.value:g}",
                        f"at least {high.value:g}",
                    )

    @property
    def sign(self) -> int:
        """+1 for a figure to maximise, -1 for one to minimise."""
        return 1 if self.sense == "maximise" else -1

    def feasible(self, figures: Mapping[str, float]) -> bool:
        """Whether every limit holds."""
        return all(limit.holds(figures) for limit in self.limits)
