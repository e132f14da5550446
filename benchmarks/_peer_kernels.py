"""Gaussian process (scikit-learn) and kriging (SMT), one for each number.

Hyperparameters are those of greatest likelihood. Their search costs the cube of the designs for every
step, so it starts once and sees at most the first few hundred designs; the process is then conditioned
on all. A noise is fitted as well: it stands for what the smooth kernels cannot follow, of which more
designs leave less. Held-out designs asked for a tenth of it where more were given than searched on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from _peer import OneByOne, Settings
from jaxtyping import Float
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from smt.surrogate_models import KRG

SEARCHED_ON = {"figures searched on": 512, "curves searched on": 256, "noise kept": 0.1}


def _few(settings: Settings, figure: bool) -> int:
    return int(settings["figures searched on" if figure else "curves searched on"])


@dataclass(frozen=True)
class GaussianProcess(OneByOne):
    """Matérn 5/2 with a length for each variable, amplitude and noise."""

    name: str = "Gaussian process"
    candidates: ClassVar = [SEARCHED_ON]

    def regressor(
        self, inputs: np.ndarray, output: Float[np.ndarray, " designs"], settings: Settings, figure: bool
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Search the hyperparameters on the first designs, then condition on all."""
        few = _few(settings, figure)
        lengths = Matern([3.0] * inputs.shape[1], (0.05, 1e3), nu=2.5)
        kernel = ConstantKernel(10.0, (1e-3, 1e6)) * lengths + WhiteKernel(1e-5, (1e-12, 1.0))
        process = GaussianProcessRegressor(kernel, normalize_y=True).fit(inputs[:few], output[:few])
        if few < len(inputs):
            found = process.kernel_
            noise = WhiteKernel(settings["noise kept"] * found.k2.noise_level)
            process = GaussianProcessRegressor(found.k1 + noise, optimizer=None, normalize_y=True)
            process.fit(inputs, output)
        return process.predict


@dataclass(frozen=True)
class Kriging(OneByOne):
    """Squared exponential about a linear trend: the best of SMT's on held-out designs."""

    name: str = "kriging"
    candidates: ClassVar = [SEARCHED_ON]

    def regressor(
        self, inputs: np.ndarray, output: Float[np.ndarray, " designs"], settings: Settings, figure: bool
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Search the hyperparameters on the first designs, then condition on all."""
        few = _few(settings, figure)
        known = {"corr": "squar_exp", "poly": "linear", "eval_noise": True, "print_global": False}
        model = KRG(
            hyper_opt="Cobyla", n_start=1, theta0=[0.01] * inputs.shape[1], noise0=[1e-4], **known
        )
        model.set_training_values(inputs[:few], output[:few])
        model.train()
        if few < len(inputs):
            noise = settings["noise kept"] * float(np.ravel(model.optimal_noise)[0])
            model = KRG(hyper_opt="NoOp", theta0=model.optimal_theta, noise0=[noise], **known)
            model.set_training_values(inputs, output)
            model.train()
        return lambda asked: model.predict_values(asked)[:, 0]
