"""What sensitivity analyses find: one frozen record for each method, of one output."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

Z = 1.959963984540054
"""Standard deviations in the half-width of a 95 % confidence interval."""
_CONFIDENCE = "_confidence"


@dataclass(frozen=True)
class Indices:
    """What all methods tell.

    Attributes
    ----------
    names
        Variables or groups, in the order of the arrays, which have one value for each. What is called
        ``…_confidence`` is the half-width of the 95 % confidence interval of what is called ``…``.
    """

    names: tuple[str, ...]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{variable: {"first": …, "first confidence": …, …}}`` for JSON.

        A matrix gives a mapping of the other variables; a number is told with every variable.
        """
        return {name: self._row(k) for k, name in enumerate(self.names)}

    def _row(self, k: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for told, value in self._values().items():
            if np.ndim(value) == 2:
                others = zip(self.names, value[k], strict=True)
                row[told] = {name: float(x) for j, (name, x) in enumerate(others) if j != k}
            else:
                row[told] = float(value[k] if np.ndim(value) else value)
        return row

    def _values(self) -> dict[str, Any]:
        """What was found, without what was not asked for, by its name in JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "names"}
        return {name.replace("_", " "): value for name, value in found.items() if value is not None}


Result = TypeVar("Result", bound=Indices)


def widened(found: Result, others: Sequence[Result]) -> Result:
    """Add to the confidence how far others lie off, root mean square, in quadrature."""
    wider = {}
    for f in fields(found):
        of = f.name.removesuffix(_CONFIDENCE)
        if of != f.name and getattr(found, f.name) is not None:
            changes = [getattr(other, of) - getattr(found, of) for other in others]
            off = Z * np.sqrt(np.mean(np.square(changes), axis=0))
            wider[f.name] = np.hypot(getattr(found, f.name), off)
    return replace(found, **wider)


@dataclass(frozen=True)
class SobolIndices(Indices):
    """Shares of one output's variance, with 95 % confidence half-widths.

    Attributes
    ----------
    first, first_confidence
        What a variable explains alone.
    total, total_confidence
        What it explains with all its interactions.
    second, second_confidence
        What two variables explain together beyond what each does alone, symmetric, NaN on the diagonal;
        None where it was not asked for.
    """

    first: Float[np.ndarray, " variables"]
    first_confidence: Float[np.ndarray, " variables"]
    total: Float[np.ndarray, " variables"]
    total_confidence: Float[np.ndarray, " variables"]
    second: Float[np.ndarray, "variables variables"] | None = None
    second_confidence: Float[np.ndarray, "variables variables"] | None = None


@dataclass(frozen=True)
class FastIndices(Indices):
    """Shares of one output's variance by the extended Fourier amplitude test; see `SobolIndices`."""

    first: Float[np.ndarray, " variables"]
    first_confidence: Float[np.ndarray, " variables"]
    total: Float[np.ndarray, " variables"]
    total_confidence: Float[np.ndarray, " variables"]


@dataclass(frozen=True)
class MorrisEffects(Indices):
    """Elementary effects of one output: its change in its unit, per whole range of a variable.

    Attributes
    ----------
    effect, effect_confidence
        Mean of the effects' absolute values, μ*.
    mean
        Mean of the effects, μ; of a group it means nothing.
    deviation
        Standard deviation of the effects, σ: large where a variable interacts or is not linear. NaN for
        a group of several.
    """

    effect: Float[np.ndarray, " variables"]
    effect_confidence: Float[np.ndarray, " variables"]
    mean: Float[np.ndarray, " variables"]
    deviation: Float[np.ndarray, " variables"]


@dataclass(frozen=True)
class PawnIndices(Indices):
    """How far one output's distribution moves when a variable is known: Kolmogorov-Smirnov distances.

    Attributes
    ----------
    median, median_confidence
        Over the slices of a variable's range.
    greatest
        In the slice where it is most.
    dummy
        The median of a variable that does nothing: what is not above it cannot be told from that.
    """

    median: Float[np.ndarray, " variables"]
    median_confidence: Float[np.ndarray, " variables"]
    greatest: Float[np.ndarray, " variables"]
    dummy: float


@dataclass(frozen=True)
class DgsmBounds(Indices):
    """Bounds on one output's total Sobol indices from above, by mean squares of its slopes.

    Attributes
    ----------
    bound, bound_confidence
        No total index is greater; above 1 it says nothing. Small bounds prove that a variable may be
        left out; large ones prove nothing.
    """

    bound: Float[np.ndarray, " variables"]
    bound_confidence: Float[np.ndarray, " variables"]


@dataclass(frozen=True)
class Swings:
    """One output where each variable in turn is led from bound to bound, the others held.

    Attributes
    ----------
    names
        Variables, in the order of the arrays.
    centre
        The output where none is led, in its unit.
    at_lower, at_upper
        The output at each variable's bounds.
    """

    names: tuple[str, ...]
    centre: float
    at_lower: Float[np.ndarray, " variables"]
    at_upper: Float[np.ndarray, " variables"]

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"centre": …, "swings": {variable: [at lower, at upper]}}`` for JSON."""
        ends = zip(self.names, self.at_lower.tolist(), self.at_upper.tolist(), strict=True)
        return {"centre": self.centre, "swings": {name: [low, high] for name, low, high in ends}}
