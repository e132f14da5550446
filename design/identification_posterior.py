"""The posterior of an identification, by NUTS (Hoffman and Gelman, J. Mach. Learn. Res. 15 (2014) 1593).

It is sampled in coordinates ξ in which it is nearly a standard normal: the logits of the unit cube,
shifted to the best fit and scaled by the covariance expected there. So few steps of warming up suffice,
and a chain needs few leaps for an independent draw.

Chains go on until they have mixed well, or their budget is spent: how many draws that takes depends on
the curves, and a posterior at the edge of what is possible takes many more than one inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer.hmc import hmc

from electrograd.design.identifiability import fisher
from electrograd.design.likelihood import Data, Likelihood, whitened

MIXED = 1.02
"""Largest ratio of scatter among and within chains (R̂) of chains that have mixed."""
ENOUGH = 200
"""Effective draws of each parameter without which its quantiles are not told."""
WELL_MIXED, PLENTY = 1.01, 2 * ENOUGH
"""R̂ and effective draws at which chains end: so far within the limits above that neither a seed nor the
rounding of a processor, which draws another chain, decides what is said."""


@dataclass(frozen=True)
class Settings:
    """How the posterior is sampled.

    Attributes
    ----------
    chains
        Chains that run side by side.
    warm_up
        Leaps of each that are thrown away, in which the sampler learns its steps.
    draws
        Draws of each chain after which it is looked whether they have mixed well; so many more follow
        where they have not.
    most
        Draws of each chain after which no more follow.
    """

    chains: int = 4
    warm_up: int = 300
    draws: int = 500
    most: int = 4000


@dataclass(frozen=True)
class Posterior:
    """Draws of the posterior.

    Attributes
    ----------
    unit
        In the unit cube.
    ratios, effective
        By variable: R̂ of split chains, and the number of independent draws that they are worth.
    divergences
        Leaps of the sampler that went astray.
    """

    unit: Float[np.ndarray, "chains draws variables"]
    ratios: Float[np.ndarray, " variables"]
    effective: Float[np.ndarray, " variables"]
    divergences: int

    @classmethod
    def of(cls, unit: Float[np.ndarray, "chains draws variables"], divergences: int) -> "Posterior":
        """Draws, and how well they have mixed."""
        ratios, effective = split_gelman_rubin(unit), effective_sample_size(unit)
        return cls(unit, np.asarray(ratios), np.asarray(effective), divergences)

    @property
    def mixed_well(self) -> bool:
        """Whether chains may end."""
        return bool(self.ratios.max() <= WELL_MIXED and self.effective.min() >= PLENTY)

    @property
    def flat(self) -> Float[np.ndarray, "all variables"]:
        """Draws of all chains."""
        return self.unit.reshape(-1, self.unit.shape[-1])

    def complaints(self) -> list[str]:
        """What of the sampling is not to be trusted, in sentences."""
        said = []
        if self.ratios.max() > MIXED:
            said.append(
                f"The chains have not mixed: R̂ is {self.ratios.max():.3f}, to be below {MIXED:g}."
            )
        if self.effective.min() < ENOUGH:
            said.append(
                f"The chains are worth {self.effective.min():.0f} independent draws, of {ENOUGH} wanted."
            )
        if self.divergences:
            said.append(
                f"{self.divergences} of the sampler's {self.unit.shape[0] * self.unit.shape[1]} leaps "
                "went astray: the posterior may have corners that they missed."
            )
        return said


class _Leaps(NamedTuple):
    """Where chains begin, and what moves them on; both compiled for data of the same sizes."""

    begin: Callable[[Data, Array, Array, Array, Array], Any]
    go_on: Callable[[Data, Array, Array, Any, Array | int], tuple[Any, Array, Array]]


class Sampler:
    """Samples posteriors of one likelihood; compiled once for data of the same sizes."""

    def __init__(self, likelihood: Likelihood, settings: Settings | None = None) -> None:
        self.likelihood, self.settings = likelihood, settings or Settings()

    @cached_property
    def _leaps(self) -> _Leaps:
        """NumPyro's kernel as it stands, with the data as an argument.

        Its driver would trace and compile anew for every cell, which takes five times as long as the
        sampling. Warming up and drawing are one compiled loop, or the kernel would be compiled twice.
        """
        said, kernel = self.settings, self._kernel
        room = max(said.warm_up, said.draws)

        def begin(data: Data, centre: Array, scale: Array, begun: Array, keys: Array) -> Any:
            return jax.vmap(kernel(data, centre, scale)[0])(begun, keys)

        def go_on(
            data: Data, centre: Array, scale: Array, states: Any, leaps: Array | int
        ) -> tuple[Any, Array, Array]:
            start, leap = kernel(data, centre, scale)

            def chain(state: Any) -> tuple[Any, Array, Array]:
                start(state.z, state.rng_key)  # it tells the kernel its settings; its state is not used

                def step(k: Array, kept: tuple[Any, Array, Array]) -> tuple[Any, Array, Array]:
                    state, xi, astray = kept
                    state = leap(state)
                    return state, xi.at[k].set(state.z), astray.at[k].set(state.diverging)

                xi, astray = jnp.zeros((room, len(state.z)), state.z.dtype), jnp.zeros(room, bool)
                return jax.lax.fori_loop(0, leaps, step, (state, xi, astray))

            return jax.vmap(chain)(states)

        return _Leaps(jax.jit(begin), jax.jit(go_on))

    def _kernel(
        self, data: Data, centre: Array, scale: Array
    ) -> tuple[Callable[[Array, Array], Any], Callable[[Any], Any]]:
        """What starts a chain at ξ, and one leap of NUTS."""
        forward = self.likelihood.model

        def potential(xi: Array) -> Float[Array, ""]:
            logits = centre + scale @ xi
            prior = jnp.sum(jax.nn.log_sigmoid(logits) + jax.nn.log_sigmoid(-logits))
            residuals = whitened(forward, jax.nn.sigmoid(logits), data)
            return jnp.sum(residuals**2) / 2 - prior

        begin, leap = hmc(potential, algo="NUTS")

        def start(xi: Array, key: Array) -> Any:
            return begin(
                xi,
                num_warmup=self.settings.warm_up,
                dense_mass=True,
                target_accept_prob=0.85,
                max_tree_depth=8,
                rng_key=key,
            )

        return start, leap

    def __call__(self, data: Data, unit: Float[np.ndarray, " variables"], seed: int) -> Posterior:
        """Sample, from the best fit on, until the chains have mixed well or their budget is spent.

        Parameters
        ----------
        unit
            The best fit.
        """
        said, leaps = self.settings, self._leaps
        first, second = jax.random.split(jax.random.key(seed))
        begun = 0.5 * jax.random.normal(first, (said.chains, len(unit)))
        keys = jax.random.split(second, said.chains)
        with jax.numpy_rank_promotion("allow"):  # NumPyro's own code promotes
            about = (data, *coordinates(self.likelihood, data, unit))
            states = leaps.begin(*about, begun, keys)
            states, _, _ = leaps.go_on(*about, states, said.warm_up)
            drawn: list[np.ndarray] = []
            divergences = 0
            while True:
                states, xi, astray = leaps.go_on(*about, states, said.draws)
                logits = about[1][None, None] + jnp.einsum("cdk,vk->cdv", xi[:, : said.draws], about[2])
                drawn.append(np.asarray(jax.nn.sigmoid(logits), float))
                divergences += int(np.sum(np.asarray(astray)[:, : said.draws]))
                found = Posterior.of(np.concatenate(drawn, axis=1), divergences)
                if found.mixed_well or len(drawn) * said.draws >= said.most:
                    return found


def coordinates(
    likelihood: Likelihood, data: Data, unit: Float[np.ndarray, " variables"]
) -> tuple[Array, Array]:
    """Logits of the best fit, and a root of the covariance expected of the logits there."""
    inner = np.clip(unit, 0.01, 0.99)
    slope = inner * (1 - inner)
    information = fisher(likelihood, inner, data) * np.multiply.outer(slope, slope)
    covariance = np.linalg.inv(information + np.diag(2 * slope))
    return jnp.asarray(np.log(inner / (1 - inner))), jnp.asarray(np.linalg.cholesky(covariance))
