"""Gaussian processes over a box of designs, small and exact: for what only few simulations say.

    y(x) ~ m + GP(0, k),   k(x, x') = a² (1 + √5 r + 5/3 r²) exp(-√5 r),   r² = Σ_d ((x_d - x'_d) / ℓ_d)²

the Matérn 5/2 kernel with a length for each variable (Rasmussen and Williams, Gaussian Processes for
Machine Learning, 2006, eq. 4.17), and noise of variance ν² in what was observed. The logarithms of a, ℓ
and ν maximise the marginal likelihood (eq. 2.30) times a prior that lets lengths grow with the number of
variables (Hvarfner et al., ICML 2024), so that few points do not overfit.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from electrograd.physics.errors import InputError

LEAST_NOISE = 1e-3
"""Least deviation of the noise over that of what is learned: keeps the matrices well conditioned."""

_ROUNDING = 1e-6  # of the amplitude: below it variances are differences of equal numbers

LEAST_POINTS = 8

ROOM = 64
"""Numbers of points that have seen more are multiples of it."""
_NOWHERE = 1e3

_STARTS = ((0.01, 1.0), (0.1, 0.3), (0.3, 0.1))
"""Where the search for hyperparameters begins: ν, and the lengths over the usual one."""


@dataclass(frozen=True)
class GaussianProcesses:
    """Independent processes, one an output, that saw the same inputs.

    Attributes
    ----------
    inputs
        What they saw, of order one in each variable.
    mean, amplitude
        m and a of each output, in its unit.
    length
        ℓ of each output and variable.
    noise
        ν of each output, in its unit.
    weights
        (K + ν²)⁻¹ (y - m).
    whitening
        Inverses of the lower Cholesky factors of K + ν²: a product with one is many times as fast as
        the solution of a triangular system.
    """

    inputs: Float[Array, "points variables"]
    mean: Float[Array, " outputs"]
    amplitude: Float[Array, " outputs"]
    length: Float[Array, "outputs variables"]
    noise: Float[Array, " outputs"]
    weights: Float[Array, "outputs points"]
    whitening: Float[Array, "outputs points points"]

    def predict(self, x: Float[Array, " variables"]) -> Float[Array, " outputs"]:
        """Posterior means at one input."""
        return self.mean + jnp.einsum("op,op->o", self._kernel(x), self.weights)

    def deviation(self, x: Float[Array, " variables"]) -> Float[Array, " outputs"]:
        """Posterior standard deviations of y without noise at one input."""
        white = jnp.einsum("oqp,op->oq", self.whitening, self._kernel(x))
        left = self.amplitude**2 - jnp.sum(white**2, axis=-1)
        return jnp.sqrt(jnp.maximum(left, (_ROUNDING * self.amplitude) ** 2))

    def left_out_errors(self) -> Float[np.ndarray, "points outputs"]:
        """What each point's y is above the prediction of the processes that never saw it.

        In closed form, the hyperparameters kept (Rasmussen and Williams, eq. 5.12).
        """
        return np.asarray(self.weights, float).T * self.left_out_deviations() ** 2

    def left_out_deviations(self) -> Float[np.ndarray, "points outputs"]:
        """Standard deviations of the same predictions, noise and all (eq. 5.12)."""
        return 1 / np.sqrt(np.sum(np.asarray(self.whitening, float) ** 2, axis=1)).T

    def seeing(
        self, inputs: Float[np.ndarray, "points variables"], targets: Float[np.ndarray, "points outputs"]
    ) -> "GaussianProcesses":
        """The processes once they have seen more, mean and hyperparameters as they are.

        They are given room for some more, so that what is compiled for them serves for the next, too.
        """
        real = np.asarray(self.inputs)[:, 0] < _NOWHERE
        x = np.concatenate([np.asarray(self.inputs)[real], inputs])
        whitenings, weights = [], []
        for k, amplitude in enumerate(np.asarray(self.amplitude)):
            apart = (x[:, None] - x[None]) / np.asarray(self.length)[k]
            covariance = amplitude**2 * matern(np.sum(apart**2, axis=-1))
            covariance += float(self.noise[k]) ** 2 * np.eye(len(x))
            before = covariance[: sum(real), : sum(real)] @ np.asarray(self.weights)[k, real]
            y = np.concatenate([before, targets[:, k] - np.asarray(self.mean)[k]])
            whitening = _inverse(np.linalg.cholesky(covariance))
            whitenings.append(whitening)
            weights.append(whitening.T @ (whitening @ y))
        # Points so far away that they correlate with nothing.
        room = ROOM - len(x) % ROOM
        sides = [(0, 0), (0, room), (0, room)]
        whitening = np.pad(np.stack(whitenings), sides)
        whitening[:, range(len(x), len(x) + room), range(len(x), len(x) + room)] = 1.0
        return replace(
            self,
            inputs=jnp.asarray(np.pad(x, sides[1::-1], constant_values=2 * _NOWHERE)),
            whitening=jnp.asarray(whitening),
            weights=jnp.asarray(np.pad(np.stack(weights), sides[:2])),
        )

    def arrays(self) -> dict[str, Array]:
        """The attributes by name, to be stored."""
        return dict(vars(self))

    def _kernel(self, x: Float[Array, " variables"]) -> Float[Array, "outputs points"]:
        length = self.length[:, None, :]  # no division for each pair: what is seen is scaled once
        apart = self.inputs[None] / length - x[None, None, :] / length
        return self.amplitude[:, None] ** 2 * matern(jnp.sum(apart**2, axis=-1))


jax.tree_util.register_dataclass(
    GaussianProcesses, list(GaussianProcesses.__dataclass_fields__), meta_fields=[]
)


def matern(squared: Any) -> Any:
    """Matérn 5/2 correlation at a squared distance, smooth where it is zero; of NumPy or JAX arrays."""
    if not isinstance(squared, np.ndarray):  # JAX would compile for every number of points
        return _matern(squared)
    scaled = np.sqrt(5 * squared)
    return (1 + scaled + scaled**2 / 3) * np.exp(-scaled)


@jax.custom_jvp
def _matern(squared: Array) -> Array:
    scaled = jnp.sqrt(5 * squared)
    return (1 + scaled + scaled**2 / 3) * jnp.exp(-scaled)


@_matern.defjvp
def _matern_slope(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """The root's own slope is infinite at zero; the correlation's is not."""
    scaled = jnp.sqrt(5 * primals[0])
    decay = jnp.exp(-scaled)
    return (1 + scaled + scaled**2 / 3) * decay, -5 / 6 * (1 + scaled) * decay * tangents[0]


def fit(
    inputs: Float[np.ndarray, "points variables"], targets: Float[np.ndarray, "points outputs"]
) -> GaussianProcesses:
    """Fit a process to each column of the targets, in double precision.

    Raises
    ------
    InputError
        For fewer than `LEAST_POINTS` points, or values that are not finite.
    """
    if len(inputs) < LEAST_POINTS:
        raise InputError(
            f"a Gaussian process needs at least {LEAST_POINTS} points", len(inputs), LEAST_POINTS
        )
    for what, values in (("inputs", inputs), ("targets", targets)):
        if not np.all(np.isfinite(values)):
            raise InputError(f"the {what} of a Gaussian process must be finite", "NaN or infinity")
    centre, spread = targets.mean(axis=0), targets.std(axis=0)
    # What does not vary is its mean: any amplitude will do.
    least = 1e-9 * (1 + np.abs(centre))
    spread = np.where(spread > least, spread, least)
    found = [_fit_one(inputs, y) for y in ((targets - centre) / spread).T]
    theta, whitening, weights = (np.stack(part) for part in zip(*found, strict=True))
    parts = {
        "inputs": inputs,
        "mean": centre,
        "amplitude": spread * np.exp(theta[:, 0]),
        "length": np.exp(theta[:, 2:]),
        "noise": spread * np.exp(theta[:, 1]),
        "weights": weights / spread[:, None],
        "whitening": whitening / spread[:, None, None],
    }
    return GaussianProcesses(**{name: jnp.asarray(part, jnp.float64) for name, part in parts.items()})


def _fit_one(
    x: Float[np.ndarray, "points variables"], y: Float[np.ndarray, " points"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hyperparameters of one output of unit spread, whitening matrix and weights."""
    variables = x.shape[1]
    bounds = [(-3.0, 3.0), (math.log(LEAST_NOISE), 0.0), *[(math.log(0.05), math.log(100))] * variables]
    # The likelihood has a second maximum where all is noise, and the way there may be the steepest.
    found = [
        minimize(
            unlikelihood,
            [0.0, math.log(noise), *[_usual_length(variables) + math.log(factor)] * variables],
            (x, y),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
        )
        for noise, factor in _STARTS
    ]
    theta = min(found, key=lambda one: one.fun).x
    whitening = _inverse(np.linalg.cholesky(_covariance(theta, x)[0]))
    return theta, whitening, whitening.T @ (whitening @ y)


def unlikelihood(
    theta: Float[np.ndarray, " parameters"],
    x: Float[np.ndarray, "points variables"],
    y: Float[np.ndarray, " points"],
) -> tuple[float, Float[np.ndarray, " parameters"]]:
    """Minus the logarithm of marginal likelihood and prior, but for a constant, and its gradient.

    With respect to the logarithms of a, ν and the lengths (Rasmussen and Williams, eqs. 2.30 and 5.9).
    """
    covariance, slopes = _covariance(theta, x)
    factor = np.linalg.cholesky(covariance)
    half = _inverse(factor)
    white = half @ y
    weights, inverse = half.T @ white, half.T @ half
    usual = (theta[2:] - _usual_length(x.shape[1])) / math.sqrt(3)
    value = np.sum(white**2) / 2 + np.sum(np.log(np.diag(factor))) + np.sum(usual**2) / 2
    gradient = np.einsum("ij,kij->k", inverse - np.outer(weights, weights), slopes) / 2
    gradient[2:] += usual / math.sqrt(3)
    return float(value), gradient


def _covariance(
    theta: Float[np.ndarray, " parameters"], x: Float[np.ndarray, "points variables"]
) -> tuple[Float[np.ndarray, "points points"], Float[np.ndarray, "parameters points points"]]:
    """K + ν², and its derivatives with respect to the logarithms of a, ν and the lengths."""
    apart = np.moveaxis((x[:, None, :] - x[None, :, :]) / np.exp(theta[2:]), -1, 0) ** 2
    scaled = np.sqrt(5 * np.sum(apart, axis=0))
    decay = np.exp(2 * theta[0] - scaled)
    kernel = decay * (1 + scaled + scaled**2 / 3)
    noise = np.exp(2 * theta[1]) * np.eye(len(x))
    slopes = np.stack([2 * kernel, 2 * noise, *(decay * (1 + scaled) * apart * 5 / 3)])
    return kernel + noise, slopes


def _inverse(factor: Float[np.ndarray, "points points"]) -> Float[np.ndarray, "points points"]:
    """Inverse of a lower triangular matrix."""
    return np.asarray(solve_triangular(factor, np.eye(len(factor)), lower=True))


def _usual_length(variables: int) -> float:
    """Logarithm of the length that the prior expects, for inputs in the unit cube."""
    return math.sqrt(2) + math.log(variables) / 2
