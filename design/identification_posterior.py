"""The posterior of an identification, by NUTS (Hoffman and Gelman, J. Mach. Learn. Res. 15 (2014) 1593).

It is sampled in coordinates ξ in which it is nearly a standard normal: the logits of the unit cube,
shifted to the best fit and scaled by the covariance expected there. So few steps of warming up suffice,
and a chain needs few leaps for an independent draw.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jaxtyping import Array, Float
from numpyro import distributions
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS

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
    def _chains(self) -> MCMC:
        forward, variables = self.likelihood.model, len(self.likelihood.model.axes)

        def density(data: Data, centre: Array, scale: Array) -> None:
            real = distributions.constraints.real_vector
            xi = numpyro.sample("xi", distributions.ImproperUniform(real, (), (variables,)))
            logits = centre + scale @ xi
            prior = jnp.sum(jax.nn.log_sigmoid(logits) + jax.nn.log_sigmoid(-logits))
            residuals = whitened(forward, jax.nn.sigmoid(logits), data)
            numpyro.factor("posterior", prior - jnp.sum(residuals**2) / 2)

        said = self.settings
        return MCMC(
            NUTS(density, dense_mass=True, target_accept_prob=0.85, max_tree_depth=8),
            num_warmup=said.warm_up,
            num_samples=said.draws,
            num_chains=said.chains,
            chain_method="vectorized",
            progress_bar=False,
            jit_model_args=True,
        )

    def __call__(self, data: Data, unit: Float[np.ndarray, " variables"], seed: int) -> Posterior:
        """Sample, from the best fit on.

        Parameters
        ----------
        unit
            The best fit.
        """
        centre, scale = coordinates(self.likelihood, data, unit)
        key, first = jax.random.split(jax.random.key(seed))
        begun = 0.5 * jax.random.normal(first, (self.settings.chains, len(unit)))
        with jax.numpy_rank_promotion("allow"):  # NumPyro's own code promotes
            self._chains.run(
                key, data, centre, scale, init_params={"xi": begun}, extra_fields=("diverging",)
            )
            xi = self._chains.get_samples(group_by_chain=True)["xi"]
            astray: Any = self._chains.get_extra_fields()["diverging"]
            drawn = np.asarray(
                jax.nn.sigmoid(centre[None, None] + jnp.einsum("cdk,vk->cdv", xi, scale)), float
            )
        return Posterior(
            unit=drawn,
            ratios=np.asarray(split_gelman_rubin(drawn)),
            effective=np.asarray(effective_sample_size(drawn)),
            divergences=int(np.sum(astray)),
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
