"""Random forest and gradient boosting, of scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from _accuracy import POINTS, Prediction, truth_of
from _peer import OneByOne, Predict, Settings
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

from electrograd.sweeps.dataset import Dataset

SEED = 0


@dataclass(frozen=True)
class Forest:
    """Three forests: of the share, of the margin, and of all points of both curves at once."""

    name: str = "random forest"
    candidates: ClassVar = [
        {"trees": 200, "max features": part, "least leaf": leaf}
        for part, leaf in ((1.0, 1), (0.6, 1), (1.0, 2))
    ]

    def fit(self, data: Dataset, settings: Settings) -> Predict:
        """Fit the forests."""
        true = truth_of(data)
        share, margin, curves = (
            RandomForestRegressor(
                settings["trees"],
                max_features=settings["max features"],
                min_samples_leaf=settings["least leaf"],
                random_state=SEED,
            ).fit(data.values, outputs)
            for outputs in (true.share, true.margin, np.hstack([true.voltage, true.potential]))
        )

        def predict(values: np.ndarray) -> Prediction:
            both = curves.predict(values)
            return Prediction(
                share.predict(values), both[:, :POINTS], both[:, POINTS:], margin.predict(values)
            )

        return predict


@dataclass(frozen=True)
class Boosting(OneByOne):
    """Histogram gradient boosting, one for each number."""

    name: str = "gradient boosting"
    candidates: ClassVar = [
        {"rounds": 400, "rate": rate, "leaves": leaves, "least leaf": leaf}
        for rate, leaves, leaf in ((0.1, 8, 5), (0.1, 4, 5))
    ]

    def regressor(
        self, inputs: np.ndarray, output: Float[np.ndarray, " designs"], settings: Settings, figure: bool
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Fit one number."""
        model = HistGradientBoostingRegressor(
            max_iter=settings["rounds"],
            learning_rate=settings["rate"],
            max_leaf_nodes=settings["leaves"],
            min_samples_leaf=settings["least leaf"],
            random_state=SEED,
        )
        return model.fit(inputs, output).predict
