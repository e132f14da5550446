"""Designs as they are made: what all but a few of them reach, when coatings scatter.

A made design is the asked one plus independent normal deviations. Of each figure that is aimed at, the
percentile on its unwelcome side takes the place of the nominal value, over deviations drawn once and
evenly (scrambled Sobol points through the normal quantiles), so that it is a smooth function of the
design and the same in every search.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm, qmc

from electrograd.design.problem import Goal
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.variables import N_P_RATIO
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.sweeps.space import DesignSpace

REACH = 2.5
"""Standard deviations by which a made design may differ, and that a design stays inside the box."""
DRAWN = 64
_USUAL = {"electrode thickness [m]": 1e-6, "porosity": 0.01, "channel pitch [m]": 2e-6}
_USUAL_RATIO = 0.0125  # a micrometre of a negative electrode of 80


@dataclass(frozen=True)
class Tolerances:
    """How designs scatter when they are made, and what share of them may fall short.

    Attributes
    ----------
    percentile
        Per cent of the made designs that may be worse than what is told of a figure.
    deviations
        Standard deviations by variable, SI units; what is not named has none.
    """

    percentile: float = 5.0
    deviations: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def usual(cls, space: DesignSpace, percentile: float, stated: Mapping[str, float]) -> "Tolerances":
        """Those of common coaters where nothing is stated: 1 µm, porosity 0.01, channel pitch 2 µm.

        Raises
        ------
        InputError
            For a variable that the space lacks, a deviation that is negative, or one that the box has no
            room for.
        """
        found = {}
        for name in space.names:
            usual = [value for end, value in _USUAL.items() if name.endswith(end) or f" {end} " in name]
            usual += [_USUAL_RATIO] if name == N_P_RATIO else []
            found[name] = usual[0] if usual else 0.0
        for name, value in stated.items():
            check_name(name, space.names, "a tolerance must be of a variable of the study")
            if not 0 <= value < np.inf:
                raise InputError("a standard deviation must be zero or more", value, 0.0)
            found[name] = float(value)
        for axis in space.axes:
            most = (axis.upper - axis.lower) / (4 * REACH)
            if found[axis.name] > most:
                raise InputError(
                    f"the box must be ten standard deviations wide at least, for {axis.name!r} too",
                    found[axis.name],
                    f"{most:g}",
                )
        return cls(percentile, found)

    def made(
        self, space: DesignSpace, designs: int, seed: int
    ) -> Float[np.ndarray, "designs variables"]:
        """Deviations of made designs from the asked one, SI units, none beyond `REACH`."""
        sampler = qmc.Sobol(len(space), rng=np.random.default_rng(seed))
        even = sampler.random_base2(max(1, (designs - 1).bit_length()))[:designs]
        scatter = np.array([self.deviations.get(name, 0.0) for name in space.names])
        return np.clip(norm.ppf(np.clip(even, 1e-9, 1 - 1e-9)), -REACH, REACH) * scatter


@dataclass(frozen=True)
class AsMade:
    """A surrogate whose aimed figures are those that all but a few of the made designs reach.

    Attributes
    ----------
    surrogate
        Of the nominal figures.
    goal
        Says which side of a figure is unwelcome.
    tolerances, seed
        How designs scatter, and how that is drawn.
    """

    surrogate: FigureSurrogate
    goal: Goal
    tolerances: Tolerances
    seed: int

    def __post_init__(self) -> None:
        sides: dict[str, int] = {self.goal.figure: self.goal.sign}
        for limit in self.goal.limits:
            if sides.setdefault(limit.figure, limit.sign) != limit.sign:
                raise InputError(
                    "of a design as it is made, a figure is bounded, or aimed at, from one side",
                    f"{limit.figure}: {limit.sense} {limit.value:g}",
                    "a limit of the other sense left out",
                )

    @property
    def space(self) -> DesignSpace:
        """The trained box less what designs scatter by."""
        room = REACH * np.array([self.tolerances.deviations.get(n, 0.0) for n in self._trained.names])
        bounds = zip(
            self._trained.names, self._trained.lower + room, self._trained.upper - room, strict=True
        )
        return DesignSpace.from_bounds({name: (float(low), float(high)) for name, low, high in bounds})

    @property
    def state(self) -> Any:
        """The surrogate's."""
        return self.surrogate.state

    def with_state(self, state: Any) -> "AsMade":
        """The same of the surrogate with another state."""
        return AsMade(self.surrogate.with_state(state), self.goal, self.tolerances, self.seed)

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Nominal figures of one design, and the percentiles of those that are aimed at."""
        deviations = jnp.asarray(self.tolerances.made(self._trained, DRAWN, self.seed))
        aimed = {limit.figure: limit.sign for limit in self.goal.limits}
        aimed[self.goal.figure] = self.goal.sign

        def told(at: Array) -> dict[str, Array]:
            found = self.surrogate.figures(at)
            return {name: found[name] for name in aimed}

        made = jax.vmap(told)(jnp.asarray(design, float)[None, :] + deviations)
        share = self.tolerances.percentile / 100
        return self.surrogate.figures(design) | {
            name: jnp.quantile(made[name], share if sign > 0 else 1 - share)
            for name, sign in aimed.items()
        }

    def half_widths_at(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Half-widths of the 90 % intervals of the nominal figures."""
        return self.surrogate.half_widths_at(design)

    def predict(self, designs: np.ndarray) -> dict[str, Float[np.ndarray, " designs"]]:
        """Nominal figures of many designs: where searches begin need not be exact."""
        return self.surrogate.predict(designs)

    def predict_one(self, design: Mapping[str, float]) -> dict[str, float]:
        """Nominal figures of one design given by name: what a simulation of it is compared with."""
        return self.surrogate.predict_one(design)

    def as_made(self, design: Mapping[str, float]) -> dict[str, float]:
        """What `figures` says of one design given by name."""
        row = jnp.asarray([design[name] for name in self._trained.names])
        return {name: float(value) for name, value in self._compiled(self.state, row).items()}

    def interval(self, figure: str) -> float:
        """Half-width that held 90 % of the designs left out."""
        return self.surrogate.interval(figure)

    def grown(self, surrogate: FigureSurrogate) -> "AsMade":
        """The same of a surrogate that has seen more, nothing compiled anew."""
        other = AsMade(surrogate, self.goal, self.tolerances, self.seed)
        other.__dict__["_compiled"] = self._compiled
        return other

    @property
    def _trained(self) -> DesignSpace:
        return self.surrogate.space

    @cached_property
    def _compiled(self) -> Any:
        return jax.jit(lambda state, at: self.with_state(state).figures(at))
