"""What every peer of the surrogates is: a fit that answers, and its choice among a few settings.

Inputs are standardised by the training designs. Methods that predict one number at a time are given the
accepted share, the plating margin, and the two curves together as coefficients of their principal
components: enough of them that what is left out is under 0.15 mV, below any peer's own error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from _accuracy import POINTS, Prediction, accuracy, badness, truth_of
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from electrograd.sweeps.dataset import Dataset

Settings = Mapping[str, Any]
"""What a fit can be told, as JSON can hold it."""
Predict = Callable[[Float[np.ndarray, "designs variables"]], Prediction]
"""A fitted peer."""

AT_TRUTH = "accuracy at the truth's charges"
"""Where a record has the measures of `at_charges_of`."""
COMPONENTS = 24
"""Principal components kept of the two curves."""
HELD_OUT = 5
"""Every how many-th training design judges settings."""


class Peer(Protocol):
    """One method.

    Attributes
    ----------
    name
        As it is called in the results.
    candidates
        Settings to choose among, on held-out training designs; where there is one, nothing is chosen.
    """

    name: str
    candidates: Sequence[Settings]

    def fit(self, data: Dataset, settings: Settings) -> Predict:
        """Learn from some completed simulations."""
        ...


def choose(peer: Peer, data: Dataset) -> Settings:
    """The candidate whose fit to four fifths of the data is best on the last fifth."""
    if len(peer.candidates) == 1:
        return peer.candidates[0]
    return min(peer.candidates, key=lambda settings: held_out_badness(peer, data, settings))


def held_out_badness(peer: Peer, data: Dataset, settings: Settings) -> float:
    """How bad settings are on a fifth of the data, by a fit to the rest."""
    held = np.arange(len(data)) % HELD_OUT == HELD_OUT - 1
    judge = data.only(held)
    return badness(judged(judge, peer.fit(data.only(~held), settings)(judge.values)))


def judged(truth: Dataset, found: Prediction) -> dict[str, float]:
    """Measure a prediction."""
    return accuracy(truth, found.share, found.voltage, found.potential, found.margin)


def at_charges_of(truth: Dataset, found: Prediction) -> Prediction:
    """Read curves that were learned over each design's own charge at the charges of the truth.

    They are splines through their points, whose last piece goes on past an end that comes too early.
    """
    own = np.linspace(0, 1, POINTS)
    stretch = truth_of(truth).share / found.share

    def read(curves: np.ndarray) -> np.ndarray:
        return np.stack(
            [CubicSpline(own, curve)(s * own) for curve, s in zip(curves, stretch, strict=True)]
        )

    return replace(found, voltage=read(found.voltage), potential=read(found.potential))


@dataclass(frozen=True)
class Standard:
    """Designs to inputs of mean zero and deviation one over the training designs."""

    mean: Float[np.ndarray, " variables"]
    deviation: Float[np.ndarray, " variables"]

    @classmethod
    def of(cls, data: Dataset) -> "Standard":
        """Standardise by these designs."""
        return cls(data.values.mean(axis=0), data.values.std(axis=0))

    def __call__(self, values: Float[np.ndarray, "designs variables"]) -> np.ndarray:
        """Return the inputs of some designs."""
        return (values - self.mean) / self.deviation


@dataclass(frozen=True)
class Compressed:
    """The observables of a design as a few numbers: share, margin, coefficients of the curves."""

    mean: Float[np.ndarray, " columns"]
    basis: Float[np.ndarray, "components columns"]

    @classmethod
    def of(cls, data: Dataset) -> "Compressed":
        """Take the principal components of these designs' curves."""
        curves = _curves(data)
        mean = curves.mean(axis=0)
        return cls(mean, np.linalg.svd(curves - mean, full_matrices=False)[2][:COMPONENTS])

    def encode(self, data: Dataset) -> Float[np.ndarray, "designs outputs"]:
        """The numbers of some designs."""
        true = truth_of(data)
        return np.column_stack([true.share, true.margin, (_curves(data) - self.mean) @ self.basis.T])

    def decode(self, outputs: Float[np.ndarray, "designs outputs"]) -> Prediction:
        """The observables that the numbers stand for."""
        curves = self.mean + outputs[:, 2:] @ self.basis
        return Prediction(outputs[:, 0], curves[:, :POINTS], curves[:, POINTS:], outputs[:, 1])


def _curves(data: Dataset) -> Float[np.ndarray, "designs columns"]:
    true = truth_of(data)
    return np.hstack([true.voltage, true.potential])


class OneByOne:
    """A peer that fits each number of `Compressed` by itself."""

    def regressor(
        self, inputs: np.ndarray, output: Float[np.ndarray, " designs"], settings: Settings, figure: bool
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Fit one number; ``figure`` where it is the share or the margin, not of a curve."""
        raise NotImplementedError

    def fit(self, data: Dataset, settings: Settings) -> Predict:
        """Fit every number; return what puts them together."""
        standard, compressed = Standard.of(data), Compressed.of(data)
        inputs = standard(data.values)
        fitted = [
            self.regressor(inputs, output, settings, figure=k < 2)
            for k, output in enumerate(compressed.encode(data).T)
        ]

        def predict(values: np.ndarray) -> Prediction:
            asked = standard(values)
            return compressed.decode(np.column_stack([one(asked) for one in fitted]))

        return predict
