"""Find the best design by the surrogate's gradients, from a thousand starts.

The box is screened with one batch of Sobol designs. The best of them, and some spread ones, descend
together (`descent`); where they end, a few apart from each other, and some spread ones again, start
SciPy's SLSQP, which meets the limits exactly with the gradients of JAX. Variables are scaled to the
unit box and never leave it. The search runs in double precision, single-precision weights and all:
rounding would stop SLSQP short of a limit.

Where a surrogate knows its error at each design, a share of that, the caution, is kept between a limit
and what is predicted, and taken off the goal: with caution below zero the search is for what might be.
"""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import Bounds, minimize
from scipy.stats import qmc

from electrograd.design.descent import Descent
from electrograd.design.prices import Prices, prices
from electrograd.design.problem import Cautious, Goal, Limit, Predictor
from electrograd.surrogates.objective import Differentiable, Growing, PointFigures

Progress = Callable[[int, int], None]
"""Called with searches done and searches in all."""

SCREENED = 4096
POLISHED, SPREAD = 8, 4
"""Ends of the batch, and spread designs, from which SLSQP starts."""
LEVEL = 64
"""Starts of a goal of which another level was answered before; its answers are starts, too."""
_APART = 0.05  # of the box: ends nearer than this are of one valley
_NEVER = 100.0
_TOLERANCE = 1e-4  # of a figure's spread over the box: within single precision, far within its error


@dataclass(frozen=True)
class Optimum:
    """The best design the surrogate knows.

    Attributes
    ----------
    design
        Values by name, SI units.
    figures
        Predicted figures of merit.
    feasible
        Whether the surrogate holds the limits, their reserves included, to be met.
    bound
        The goal's figure with the caution taken off it: what is sure, or, of a hopeful search, what no
        design is likely to surpass.
    starts, polished, agreeing
        How many starts descend (of a further level fewer, see `LEVEL`); from how many ends the limits
        were met exactly; and how many of these found the same objective to 0.1 % of its spread.
    prices
        What it leans on: limits with their reserves, and bounds of the box.
    """

    design: dict[str, float]
    figures: dict[str, float]
    feasible: bool
    bound: float
    starts: int
    polished: int
    agreeing: int
    prices: Prices


class Optimiser:
    """A compiled design problem; solve it as often as reserves change, without compiling again.

    `toward` gives the same surrogate another goal, without compiling again either.

    Parameters
    ----------
    surrogate, goal
        What predicts, and what is wanted.
    starts
        Searches that descend; up to `POLISHED` and `SPREAD` are simply polished.
    seed
        Of where they begin.
    guide
        What they descend on, of the same state: the surrogate itself by default.
    """

    def __init__(
        self,
        surrogate: Predictor,
        goal: Goal,
        starts: int,
        seed: int,
        guide: Differentiable | None = None,
    ) -> None:
        self.surrogate, self.starts = surrogate, starts
        self._at = PointFigures(_WithWidths(surrogate) if isinstance(surrogate, Cautious) else surrogate)
        space = surrogate.space
        self._lower = np.asarray(space.lower)
        self._width = np.asarray(space.upper) - self._lower
        sampler = qmc.Sobol(len(space), rng=np.random.default_rng(seed))
        self._unit = sampler.random_base2(max(SCREENED, starts).bit_length() - 1)
        self._descent = Descent(guide or surrogate, self._lower, self._width)
        self._screened = surrogate.predict(self._lower + self._unit * self._width)
        self._answers: dict[object, list[np.ndarray]] = {}
        self._aim(goal)

    def grown(self, surrogate: Cautious) -> "Optimiser":
        """Return one of a surrogate that has seen more, without compiling or screening again."""
        other = copy.copy(self)
        other.surrogate, other._at = surrogate, self._at.grown(_WithWidths(surrogate))
        return other

    def toward(self, goal: Goal) -> "Optimiser":
        """Return an optimiser of another goal on the same surrogate; see `LEVEL` on where it begins."""
        other = copy.copy(self)
        other._aim(goal)
        return other

    def _aim(self, goal: Goal) -> None:
        self.goal = goal
        self._descended_to: np.ndarray | None = None
        self._optima: dict[bool, np.ndarray] = {}
        names = [goal.figure, *(limit.figure for limit in goal.limits)]
        self._scales = np.array([float(np.std(self._screened[name])) or 1.0 for name in names])
        signs = np.array([-goal.sign, *(limit.sign for limit in goal.limits)], float)
        self._offsets = signs * [0.0, *(limit.value for limit in goal.limits)] / self._scales
        self._descended = np.zeros((len(names), len(self._descent.names)))
        for k, name in enumerate(names):
            self._descended[k, self._descent.names.index(name)] = signs[k] / self._scales[k]
        # Objective (less is better) and slacks, over spreads: linear in figures and half-widths.
        wide = [_WIDTH + name for name in names if _WIDTH + name in self._at.names]
        columns = list(dict.fromkeys([*names, *wide]))
        self._rows = [self._at.row(name) for name in columns]
        self._factors, self._worse = np.zeros((2, len(names), len(columns)))
        for k, name in enumerate(names):
            self._factors[k, columns.index(name)] = signs[k] / self._scales[k]
            if _WIDTH + name in columns:
                self._worse[k, columns.index(_WIDTH + name)] = (1 if k == 0 else -1) / self._scales[k]

    @property
    def scale(self) -> float:
        """Spread of the goal's figure over the box."""
        return float(self._scales[0])

    def violation(self, figures: Mapping[str, float]) -> float:
        """How far limits are broken, each over its figure's spread in the box.

        NaN is infinitely far; what is never reached, such as a charge time, is a hundred spreads away.
        """
        slacks = [
            limit.slack(figures) / scale
            for limit, scale in zip(self.goal.limits, self._scales[1:], strict=True)
        ]
        return sum((math.inf if math.isnan(s) else min(max(-s, 0.0), _NEVER) for s in slacks), 0.0)

    def solve(
        self,
        reserves: Mapping[Limit, float],
        near: Mapping[str, float] | None = None,
        progress: Progress = lambda done, total: None,
        caution: float = 0.0,
    ) -> Optimum:
        """Optimise with each limit met by at least its reserve.

        Parameters
        ----------
        reserves
            By limit, in the unit of its figure: how far on the safe side to stay.
        near
            A design to start from, alone; by default the search starts all over the box.
        caution
            Share of each design's own half-widths that is held against it, where they are known.
        """
        limits = self.goal.limits
        reserve = np.array(
            [
                reserves.get(limit, 0.0) / scale
                for limit, scale in zip(limits, self._scales[1:], strict=True)
            ]
        )

        factors = self._factors + caution * self._worse
        offsets = self._offsets + np.concatenate([[0.0], reserve])

        def outputs(unit: np.ndarray) -> Float[np.ndarray, " outputs"]:
            return factors @ self._at(unit)[0][self._rows] - offsets

        def slopes(unit: np.ndarray) -> Float[np.ndarray, "outputs variables"]:
            return factors @ self._at(unit)[1][self._rows]

        constraints = {
            "type": "ineq",
            "fun": lambda u: outputs(u)[1:],
            "jac": lambda u: slopes(u)[1:],
        }
        found = []
        hopeful = caution < 0
        starts = self._starting_points(hopeful) if near is None else self._to_unit(near)[None]
        for k, start in enumerate(starts):
            progress(k, len(starts))
            result = minimize(
                lambda u: outputs(u)[0],
                start,
                jac=lambda u: slopes(u)[0],
                bounds=Bounds(0.0, 1.0, keep_feasible=True),
                constraints=[constraints] if limits else [],
                method="SLSQP",
                options={"maxiter": 60, "ftol": 1e-6},
            )
            unit = np.clip(result.x, 0.0, 1.0)
            scaled = outputs(unit)
            broken = float(np.sum(np.maximum(-scaled[1:] - _TOLERANCE, 0.0)))
            found.append((broken, float(scaled[0]), unit))
        progress(len(starts), len(starts))
        found.sort(key=lambda item: item[:2])
        if near is None:
            self._optima[hopeful] = _apart(np.array([unit for *_, unit in found]))
            self._answers.setdefault(self._question, []).append(found[0][-1])
        broken, objective, unit = found[0]
        names = self.surrogate.space.names
        design = dict(zip(names, map(float, self._lower + unit * self._width), strict=True))
        return Optimum(
            design=design,
            figures=self.surrogate.predict_one(design),
            feasible=broken == 0.0,
            bound=float(-self.goal.sign * objective * self._scales[0]),
            starts=self.starts if near is None else 1,
            polished=len(starts),
            agreeing=sum(b == broken and abs(o - objective) < 1e-3 for b, o, _ in found),
            prices=prices(
                unit, slopes(unit), outputs(unit)[1:], limits, names, self._scales, self._width
            ),
        )

    def _to_unit(self, design: Mapping[str, float]) -> np.ndarray:
        values = np.array([design[name] for name in self.surrogate.space.names])
        return np.clip((values - self._lower) / self._width, 0.0, 1.0)

    def _starting_points(self, hopeful: bool) -> Float[np.ndarray, "starts variables"]:
        """Where limits are met exactly from: where all descend to; later the optima that were found.

        What the surrogate learns, and other reserves, move these a little. Hopeful searches have others.
        """
        if self.starts <= POLISHED + SPREAD:
            return self._screening_best(self.starts)
        if hopeful in self._optima:
            return np.concatenate([self._optima[hopeful], self._unit[:SPREAD]])
        if self._descended_to is None:
            answers = self._answers.get(self._question, [])
            starts = self._screening_best(min(self.starts, LEVEL) if answers else self.starts)
            starts = np.concatenate([*[answer[None] for answer in answers[-LEVEL:]], starts])
            ends, values = self._descent(self._at.state, self._descended, self._offsets, starts)
            self._descended_to = _apart(ends[np.argsort(values)])
        return np.concatenate([self._descended_to, self._unit[:SPREAD]])

    @property
    def _question(self) -> object:
        """What goals share that differ in the values of their limits only, as the levels of a front."""
        limits = tuple((limit.figure, limit.sense) for limit in self.goal.limits)
        return self.goal.figure, self.goal.sense, limits

    def _screening_best(self, count: int) -> Float[np.ndarray, "starts variables"]:
        """Half of the starts from the screening's best, half spread over the box."""
        objective = -self.goal.sign * self._screened[self.goal.figure] / self._scales[0]
        slacks = [
            limit.slack(self._screened) / scale
            for limit, scale in zip(self.goal.limits, self._scales[1:], strict=True)
        ]
        broken = sum((np.maximum(-slack, 0.0) for slack in slacks), np.zeros_like(objective))
        best = np.lexsort((objective, broken))[: count - count // 2]
        return self._unit[np.concatenate([best, np.arange(count // 2)])]


def _apart(ends: Float[np.ndarray, "ends variables"]) -> Float[np.ndarray, "kept variables"]:
    """The first few ends of which no two lie in one valley."""
    kept: list[np.ndarray] = []
    for end in ends:
        if all(np.max(np.abs(end - other)) > _APART for other in kept):
            kept.append(end)
        if len(kept) == POLISHED:
            break
    return np.array(kept)


_WIDTH = "± "


class _WithWidths:
    """A surrogate whose half-widths are among its figures: both come from one compiled function."""

    def __init__(self, surrogate: Cautious) -> None:
        self._surrogate = surrogate
        self.space = surrogate.space

    @property
    def state(self) -> Any:
        """The surrogate's, of one that grows."""
        return self._surrogate.state if isinstance(self._surrogate, Growing) else None

    def with_state(self, state: Any) -> "_WithWidths":
        """The same with another state."""
        if not isinstance(self._surrogate, Growing):
            return self
        return _WithWidths(cast(Cautious, self._surrogate.with_state(state)))

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Figures of merit, and after them their half-widths."""
        widths = self._surrogate.half_widths_at(design)
        return {**self._surrogate.figures(design), **{_WIDTH + name: w for name, w in widths.items()}}
