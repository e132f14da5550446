"""The posterior of an identification, by NUTS (Hoffman and Gelman, J. Mach. Learn. Res. 15 (2014) 1593).

It is sampled in coordinates ξ in which it is nearly a standard normal: the logits of the unit cube,
shifted to the best fit and scaled by the covariance expected there. So few steps of warming up suffice,
and a chain needs few leaps for an independent draw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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


@dataclass(frozen=True)
class Settings:
    """How the posterior is sampled."""

    chains: int = 4
    warm_up: int = 300
    draws: int = 500


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


class Sampler:
    """Samples posteriors of one likelihood; compiled once for data of the same sizes."""

    def __init__(self, likelihood: Likelihood, settings: Settings | None = None) -> None:
        self.likelihood, self.settings = likelihood, settings or Settings()

    @cached_property
    def _chains(self) -> Callable[[Data, Array, Array, Array, Array], tuple[Array, Array]]:
        """Draws ξ of every chain, and which leaps went astray.

        NumPyro's kernel as it stands, all of it in one compiled function of the data: its driver would
        trace and compile anew for every cell, which takes five times as long as the sampling.
        """
        forward, said = self.likelihood.model, self.settings

        def sample(
            data: Data, centre: Array, scale: Array, begun: Array, keys: Array
        ) -> tuple[Array, Array]:
            def potential(xi: Array) -> Float[Array, ""]:
                logits = centre + scale @ xi
                prior = jnp.sum(jax.nn.log_sigmoid(logits) + jax.nn.log_sigmoid(-logits))
                residuals = whitened(forward, jax.nn.sigmoid(logits), data)
                return jnp.sum(residuals**2) / 2 - prior

            begin, leap = hmc(potential, algo="NUTS")

            def chain(start: Array, key: Array) -> tuple[Array, Array]:
                state = begin(
                    start,
                    num_warmup=said.warm_up,
                    dense_mass=True,
                    target_accept_prob=0.85,
                    max_tree_depth=8,
                    rng_key=key,
                )

                def step(state: Any, _: None) -> tuple[Any, tuple[Array, Array]]:
                    state = leap(state)
                    return state, (state.z, state.diverging)

                # One loop for both, or the kernel would be compiled twice.
                xi, astray = jax.lax.scan(step, state, length=said.warm_up + said.draws)[1]
                return xi[said.warm_up :], astray[said.warm_up :]

            return jax.vmap(chain)(begun, keys)

        return jax.jit(sample)

    def __call__(self, data: Data, unit: Float[np.ndarray, " variables"], seed: int) -> Posterior:
        """Sample, from the best fit on.

        Parameters
        ----------
        unit
            The best fit.
        """
        centre, scale = coordinates(self.likelihood, data, unit)
        first, second = jax.random.split(jax.random.key(seed))
        chains = self.settings.chains
        begun = 0.5 * jax.random.normal(first, (chains, len(unit)))
        keys = jax.random.split(second, chains)
        with jax.numpy_rank_promotion("allow"):  # NumPyro's own code promotes
            xi, astray = self._chains(data, centre, scale, begun, keys)
            logits = centre[None, None] + jnp.einsum("cdk,vk->cdv", xi, scale)
        drawn = np.asarray(jax.nn.sigmoid(logits), float)
        return Posterior(
            unit=drawn,
            ratios=np.asarray(split_gelman_rubin(drawn)),
            effective=np.asarray(effective_sample_size(drawn)),
            divergences=int(np.sum(np.asarray(astray))),
        )


def coordinates(
    likelihood: Likelihood, data: Data, unit: Float[np.ndarray, " variables"]
) -> tuple[Array, Array]:
    """Logits of the best fit, and a root of the covariance expected of the logits there."""
    inner = np.clip(unit, 0.01, 0.99)
    slope = inner * (1 - inner)
    information = fisher(likelihood, inner, data) * np.multiply.outer(slope, slope)
    covariance = np.linalg.inv(information + np.diag(2 * slope))
    return jnp.asarray(np.log(inner / (1 - inner))), jnp.asarray(np.linalg.cholesky(covariance))
