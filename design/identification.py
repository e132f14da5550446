"""Identification: what parameters a cell has whose charges were measured at several rates.

In order: what the curves could tell at all, before any fit; the best fit; the surrogate's error around
it, simulated, by which the fit is mended until it stands still; what the curves tell there; the
posterior; and the best fit simulated in PyBaMM beside the curves.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from electrograd.design.charging import Simulate, SimulatedCurve
from electrograd.design.identifiability import (
    PRIOR,
    TOLD,
    Identifiability,
    fisher,
    identifiability,
    sentences,
)
from electrograd.design.identification_error import (
    SimulatedDesigns,
    SurrogateError,
    simulated,
)
from electrograd.design.identification_fit import Fit, best_fit
from electrograd.design.identification_model import ForwardModel, Readings
from electrograd.design.identification_posterior import Posterior, Sampler, Settings, coordinates
from electrograd.design.likelihood import Data, Likelihood
from electrograd.physics.variables import SIDES, porosity
from electrograd.surrogates.progress import Progress, silent
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.space import DesignSpace

EVERYWHERE, AROUND = 32, 16
"""Designs that are simulated to know the surrogate's error: among all candidates, and around a fit."""
ROUNDS = 4
"""Fits, at the most, each mended by simulations around the one before."""
STILL = 0.5
"""Expected deviations by which a fit may move and count as standing still."""
_LOOKED_AT = 32


@dataclass(frozen=True)
class Identified:
    """What was found.

    Attributes
    ----------
    readings
        What was compared.
    before
        What the curves could tell, in the median over all that is possible.
    before_words
        In sentences.
    fit
        The best fit, mended.
    error
        The surrogate's error around it.
    at_fit
        What the curves tell there.
    posterior
        Draws.
    simulated
        The best fit, simulated at each current; none where PyBaMM's solver failed.
    rounds
        How often it was fitted.
    """

    model: ForwardModel
    readings: Readings
    before: Identifiability
    before_words: list[str]
    fit: Fit
    error: SurrogateError
    at_fit: Identifiability
    posterior: Posterior
    simulated: list[SimulatedCurve | None]
    rounds: int

    @property
    def left(self) -> Float[np.ndarray, " variables"]:
        """Deviations of the posterior over the prior's."""
        return self.posterior.flat.std(axis=0) / PRIOR

    @property
    def told(self) -> dict[str, bool]:
        """Which parameters the curves tell: by their information, and by the posterior."""
        pairs = zip(self.at_fit.told.items(), self.left, strict=True)
        return {name: told and bool(left < TOLD) for (name, told), left in pairs}

    @property
    def untold_words(self) -> list[str]:
        """What the curves cannot determine, in sentences."""
        said = sentences(self.at_fit, self.model.axes, self.fit.unit)
        for (name, told), left in zip(self.at_fit.told.items(), self.left, strict=True):
            if told and left >= TOLD:
                said.append(
                    f"These curves cannot determine {name.partition(' [')[0].lower()}: its posterior is "
                    f"{100 * left:.0f} % as wide as what was possible before."
                )
        return said

    @property
    def edge_words(self) -> list[str]:
        """Which parameters lie at the edge of what was held possible, in sentences."""
        middle = np.median(self.posterior.flat, axis=0)
        return [
            f"{name.partition(' [')[0]} lies at the edge of its range: the truth may lie beyond."
            for name, at in zip(self.model.names, middle, strict=True)
            if not 0.01 < at < 0.99
        ]

    def estimates(self) -> dict[str, dict[str, float] | None]:
        """By parameter, in SI units: best fit, median, 90 % interval; None where it is not told."""
        quantiles = np.quantile(self.posterior.flat, [0.5, 0.05, 0.95], axis=0)
        median, low, high = (self.model.named(row) for row in quantiles)
        best = self.model.named(self.fit.unit)
        return {
            name: {
                "best fit": best[name],
                "median": median[name],
                "5 %": low[name],
                "95 %": high[name],
            }
            if told
            else None
            for name, told in self.told.items()
        }

    def derived(self) -> dict[str, dict[str, float] | None]:
        """What follows from the estimates, as they are told: tortuosities, diffusivities, kinetics.

        Tortuosity is ε^(1-β); diffusivities are harmonic means over the usable window, exchange-current
        densities those at half-full surfaces (`electrograd.physics.materials`).
        """
        physics, told = self.model.surrogate.physics, self.told
        values = {name: np.asarray(v) for name, v in self.model.values(self.posterior.flat).items()}
        complete = physics.cell.parameters(values)
        materials = physics.materials.scaled(complete)
        found: dict[str, tuple[Any, tuple[str, ...]]] = {}
        for side in SIDES:
            title = side.capitalize()
            exponent = f"{title} electrode Bruggeman coefficient (electrolyte)"
            if exponent in told:
                tortuosity = complete[porosity(side)] ** (1 - complete[exponent])
                needed = tuple(name for name in (exponent, porosity(side)) if name in told)
                found[f"{title} electrode tortuosity"] = tortuosity, needed
            own = getattr(materials, side)
            for label, value, factor in (
                ("particle diffusivity [m2.s-1]", own.diffusivity, "particle diffusivity factor"),
                (
                    "electrode exchange-current density [A.m-2]",
                    own.exchange_current,
                    "electrode exchange-current density factor",
                ),
            ):
                if f"{title} {factor}" in told:
                    found[f"{title} {label}"] = value, (f"{title} {factor}",)
        return {
            label: dict(
                zip(
                    ("median", "5 %", "95 %"),
                    np.quantile(value, [0.5, 0.05, 0.95]).tolist(),
                    strict=True,
                )
            )
            if all(told[name] for name in needed)
            else None
            for label, (value, needed) in found.items()
        }

    def simulated_residuals(self) -> Float[np.ndarray, " readings"] | None:
        """Measured less simulated voltage of the best fit [V]; None where a simulation failed.

        Readings after the simulated charge's end are compared with that.
        """
        found, which = self.readings.voltage.copy(), self.readings.curve
        charge = self.readings.charge.ravel()[self.readings.rows]
        for c, curve in enumerate(self.simulated):
            if curve is None:
                return None
            found[which == c] -= curve.at(np.minimum(charge[which == c], curve.charge[-1]))
        return found


class Identifier:
    """Identifies cells by one surrogate; further curves of the same sizes need no new compilation.

    Parameters
    ----------
    surrogate
        Of curves, the C-rate among its variables.
    simulate
        Charges designs: as its sweep did, or more finely, by which the fit is mended as well.
    settings
        How posteriors are sampled.
    """

    def __init__(
        self, surrogate: Surrogate, simulate: Simulate, settings: Settings | None = None
    ) -> None:
        self.model, self._simulate = ForwardModel(surrogate), simulate
        self.likelihood = Likelihood.of(self.model)
        self._sampler = Sampler(self.likelihood, settings)
        self._everywhere: tuple[Any, SimulatedDesigns] | None = None

    def __call__(self, readings: Readings, seed: int, progress: Progress = silent) -> Identified:
        """Identify one cell; ``progress`` is told of parts of the work.

        Raises
        ------
        InputError
            If PyBaMM fails at most candidates.
        """
        model, parts = self.model, ROUNDS + 3
        everywhere = self._simulated_everywhere(readings).error(self.likelihood, readings)
        progress(1, parts, 0.0)
        data = Data.of(readings, everywhere.mean, everywhere.covariance)
        before, before_words = self._before(data)
        fit, error = best_fit(self.likelihood, data, seed), everywhere
        for rounds in range(1, ROUNDS):
            drawn = self._around(data, fit, seed + rounds)
            error = simulated(model, readings.currents, drawn, self._simulate).error(
                self.likelihood, readings
            )
            data = Data.of(readings, error.mean, error.covariance)
            mended = best_fit(self.likelihood, data, seed)
            moved = self._moved(data, fit, mended)
            fit = mended
            progress(1 + rounds, parts, moved)
            if moved < STILL:
                break
        at_fit = identifiability(model.names, fisher(self.likelihood, fit.unit, data))
        posterior = self._sampler(data, fit.unit, seed)
        progress(parts - 1, parts, 0.0)
        (checked,) = self._simulate([model.named(fit.unit)], readings.currents.tolist())
        progress(parts, parts, 0.0)
        return Identified(
            model=model,
            readings=readings,
            before=before,
            before_words=before_words,
            fit=fit,
            error=error,
            at_fit=at_fit,
            posterior=posterior,
            simulated=checked,
            rounds=rounds + 1,
        )

    def _simulated_everywhere(self, readings: Readings) -> SimulatedDesigns:
        """Candidates simulated at the readings' currents; kept for the next curves at the same."""
        key = tuple(readings.currents)
        if self._everywhere is None or self._everywhere[0] != key:
            unit = (DesignSpace(self.model.axes).sobol(EVERYWHERE, seed=0)).astype(float)
            unit = np.stack([self.model.unit(dict(zip(self.model.names, r, strict=True))) for r in unit])
            found = simulated(self.model, readings.currents, unit, self._simulate)
            self._everywhere = key, found
        return self._everywhere[1]

    def _before(self, data: Data) -> tuple[Identifiability, list[str]]:
        """What curves could tell, at the candidate in the middle of many by how much they do."""
        names = self.model.names
        drawn = np.random.default_rng(0).uniform(size=(_LOOKED_AT, len(names)))
        found = [identifiability(names, fisher(self.likelihood, u, data)) for u in drawn]
        order = np.argsort([np.log(one.left).sum() for one in found])
        middle = int(order[_LOOKED_AT // 2])
        return found[middle], sentences(found[middle], self.model.axes, drawn[middle])

    def _around(self, data: Data, fit: Fit, seed: int) -> Float[np.ndarray, "designs variables"]:
        """Candidates that a fit leaves possible, drawn from a Gaussian of the logits."""
        centre, scale = coordinates(self.likelihood, data, fit.unit)
        normal = np.random.default_rng(seed).normal(size=(AROUND, len(fit.unit)))
        return np.asarray(jax.nn.sigmoid(np.asarray(centre)[None] + normal @ np.asarray(scale).T), float)

    def _moved(self, data: Data, one: Fit, other: Fit) -> float:
        """By how many expected deviations two fits differ, in the parameter where it is most."""
        left = identifiability(
            self.model.names, fisher(self.likelihood, np.asarray(other.unit), data)
        ).left
        return float(np.max(np.abs(one.unit - other.unit) / (left * PRIOR)))
