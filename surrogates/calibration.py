"""Intervals that hold a stated share of new designs: conformal prediction, corrected for the ensemble.

Scores |error|/spread of designs held out from their members (cross-conformal prediction: Barber et
al., Ann. Stat. 49 (2021) 486; scaled by the spread: Lei et al., JASA 113 (2018) 1094) give the half-
width as a function of the spread. But each design's held-out prediction is the mean of one group of
members that share a fold, and what predicts in the end is the mean of all K groups, which errs less:
for predictions f_k and any truth y

    mean_k (f_k - y)² - (f̄ - y)² = mean_k (f_k - f̄)²

exactly (the ambiguity: Krogh and Vedelsby, NIPS 1995). The right side needs no truth, and is measured
at designs drawn freely, which all members are blind to. So quantiles of scores shrink by

    ρ² = 1 - E[(f_k - f̄)²/s²] / E[(f_k - y)²/s²].

Where a group has several members, their disagreement says, too, by how much designs held out of the
training set are harder than designs drawn freely (space-filling designs keep apart); that excess of
variance is taken off in the same way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError

_BIN, _BINS = 150, 5  # held-out designs that a bin of spreads needs, and the most bins
_TAIL = 0.99  # a few wild errors must not decide the mean squares: scores are cut at this quantile


@dataclass(frozen=True)
class Calibration:
    """Half-width of an interval as a function of the spread, for one figure of merit.

    Attributes
    ----------
    level
        Share of designs that the interval is to hold.
    spreads
        Ascending spreads at which the ratio is known.
    ratios
        Half-width over spread there; between them its logarithm is linear in the spread's.
    shrink
        ρ over all designs: how much less the ensemble errs than the groups held out.
    """

    level: float
    spreads: Float[np.ndarray, " knots"]
    ratios: Float[np.ndarray, " knots"]
    shrink: float

    def half_width(self, spread: Float[Array, "*designs"]) -> Float[Array, "*designs"]:
        """Half-width at designs of this spread; differentiable, for jit and vmap."""
        knots, logs = (jnp.log(jnp.asarray(x, spread.dtype)) for x in (self.spreads, self.ratios))
        return spread * jnp.exp(jnp.interp(jnp.log(spread), knots, logs))

    def beside(self, ratio: float) -> "Calibration":
        """The same beside another error, independent, whose half-width over spread is known."""
        return replace(self, ratios=np.hypot(self.ratios, ratio))

    def to_dict(self) -> dict[str, Any]:
        """What belongs in an artefact's JSON."""
        return {
            "level": self.level,
            "spreads": self.spreads.tolist(),
            "ratios": self.ratios.tolist(),
            "shrink": self.shrink,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Calibration":
        """Undo `to_dict`."""
        knots = {name: np.asarray(saved[name], float) for name in ("spreads", "ratios")}
        return cls(level=float(saved["level"]), shrink=float(saved["shrink"]), **knots)


def calibrate(
    held_out: Float[np.ndarray, "designs members"],
    truth: Float[np.ndarray, " designs"],
    spread: Float[np.ndarray, " designs"],
    fresh: Float[np.ndarray, "groups members fresh"],
    fresh_spread: Float[np.ndarray, " fresh"],
    level: float = 0.9,
) -> Calibration:
    """Calibrate the intervals of one figure of merit.

    Parameters
    ----------
    held_out
        What the members that never saw a design say of it: one group of each design's own.
    truth
        What was simulated.
    spread
        `Spread` there.
    fresh
        What all members say of designs drawn freely, some thousands, by group.
    fresh_spread
        `Spread` there.
    level
        Share of designs to hold.

    Raises
    ------
    InputError
        For arrays that are not finite, a spread of zero, or too few designs to tell the level from.
    """
    arrays = (held_out, truth, spread, fresh, fresh_spread)
    least = math.ceil(level / (1 - level) - 1e-9)
    if not all(np.all(np.isfinite(a)) for a in arrays) or min(spread.min(), fresh_spread.min()) <= 0:
        raise InputError("calibration needs finite predictions and spreads above 0", "others")
    if len(truth) < least:
        raise InputError(f"an interval of {level:.0%} needs {least} held-out designs", len(truth), least)
    error = np.abs(held_out.mean(axis=1) - truth) / spread
    groups = fresh.mean(axis=1)
    excess = (groups - groups.mean(axis=0)) ** 2 / fresh_spread**2
    within = _variance(held_out.T) / spread**2, _variance(fresh).mean(axis=0) / fresh_spread**2

    def shrunk(bin_: np.ndarray, fresh_bin: np.ndarray) -> float:
        """ρ among the designs of one bin of spreads."""
        whole = _mean_square(error[bin_])
        harder = max(0.0, _mean(within[0][bin_]) - _mean(within[1][fresh_bin])) / fresh.shape[1]
        share = (_mean(excess[:, fresh_bin]) + harder) / max(whole, np.finfo(float).tiny)
        return math.sqrt(max(1 - share, 1 / math.prod(fresh.shape[:2])))

    count = max(1, min(_BINS, len(truth) // _BIN))
    edges = np.quantile(spread, np.linspace(0, 1, count + 1))[1:-1]
    place, fresh_place = np.digitize(spread, edges), np.digitize(fresh_spread, edges)
    spreads, ratios = np.empty(count), np.empty(count)
    for k in range(count):
        own, drawn = place == k, fresh_place == k
        spreads[k] = np.median(spread[own])
        ratios[k] = np.quantile(error[own], level)
        ratios[k] *= shrunk(own, drawn if drawn.any() else np.ones_like(drawn))
    known = Calibration(
        level=level,
        spreads=spreads,
        ratios=np.maximum(ratios, np.finfo(np.float32).tiny),
        shrink=shrunk(np.ones_like(place, bool), np.ones_like(fresh_place, bool)),
    )
    # Bins shape the interval; its scale is the conformal quantile of all designs together.
    typical = np.asarray(known.half_width(jnp.asarray(spread))) / spread
    rank = min(len(truth), math.ceil(level * (len(truth) + 1))) - 1
    scale = known.shrink * np.sort(error / typical)[rank]
    return Calibration(level, spreads, known.ratios * scale, known.shrink)


def _variance(predicted: Float[np.ndarray, "*groups members designs"]) -> np.ndarray:
    """Variance of a single member within its group; nothing where it is alone."""
    if predicted.shape[-2] < 2:
        return np.zeros((*predicted.shape[:-2], predicted.shape[-1]))
    return predicted.var(axis=-2, ddof=1)


def _mean(squares: np.ndarray) -> float:
    return float(np.minimum(squares, np.quantile(squares, _TAIL)).mean())


def _mean_square(error: np.ndarray) -> float:
    return _mean(error**2)
