"""A trained surrogate: curves and figures of merit of a design, with an interval for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import ACCEPTED_SHARE
from electrograd.surrogates.checks import Outside, check_designs
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.ensemble import Ensemble
from electrograd.surrogates.figures import figures_of_merit
from electrograd.surrogates.student import Student
from electrograd.surrogates.trust import Trust
from electrograd.sweeps.space import DesignSpace

BATCH = 1024
"""Designs predicted at a time: memory stays bounded, and one size of batch means one compilation."""


@dataclass(frozen=True)
class Accuracy:
    """How wrong the surrogate was on designs held out from the member that predicted them.

    Attributes
    ----------
    curves
        Median and 95th percentile over designs of the RMSE along the curve [mV], by curve.
    figures
        By figure of merit: median and 95th percentile of the absolute error, and the half-width that
        held 90 % of the held-out designs (the interval quoted with a prediction).
    held_out
        Simulated and predicted value of each completed design, by learned figure of merit.
    history
        Steps of the training, and held-out RMSE of voltage and negative potential after them [mV].
    """

    curves: dict[str, dict[str, float]]
    figures: dict[str, dict[str, float]]
    held_out: dict[str, Float[np.ndarray, "designs 2"]]
    history: tuple[tuple[int, float], ...] = ()

    @property
    def designs(self) -> int:
        """How many designs were held out in turn."""
        return len(next(iter(self.held_out.values())))

    def summary(self) -> dict[str, Any]:
        """The numbers for people and for JSON."""
        return {"curves": self.curves, "figures": self.figures, "designs": self.designs}


@dataclass(frozen=True)
class Surrogate:
    """What a sweep taught, over one design space, cell and scenario.

    Attributes
    ----------
    ensemble
        The networks that learned from simulations.
    student
        Their fast likeness, which answers if it is there; without it the ensemble does.
    scenario, settings
        What was simulated, and how.
    accuracy
        Errors on held-out designs.
    trust
        Intervals, trained domain, ends; none where nothing was held out.
    dataset
        Fingerprint of the data it was trained on.
    """

    ensemble: Ensemble
    student: Student | None
    scenario: Scenario
    settings: SolverSettings
    accuracy: Accuracy
    trust: Trust | None
    dataset: str

    @property
    def physics(self) -> CurvePhysics:
        """Cell, materials, open-circuit potentials and trained box."""
        return self.ensemble.physics

    @property
    def space(self) -> DesignSpace:
        """The trained box."""
        return self.physics.space

    def curves(
        self, design: Float[Array, " variables"], share: Float[Array, " points"]
    ) -> Float[Array, "points outputs"]:
        """Curves of one design at shares of its nominal capacity; columns as `CurvePhysics.decode`."""
        # Between its first nodes, where graphite's potential is steep, a student may be 0.03 V off.
        return self.ensemble.curves(design, share)

    def figures(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Figures of merit of one design, differentiable with JAX; SI units, order of the space."""
        if self.student:
            return self.student.figures(design, self.scenario)
        return figures_of_merit(
            self.physics, design, lambda share: self.ensemble.curves(design, share), self.scenario
        )

    @cached_property
    def _batch(self) -> Any:
        return jax.jit(jax.vmap(self.figures))

    def predict(
        self, designs: np.ndarray, outside: Outside = "error"
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Figures of merit of many designs, as NumPy arrays.

        Parameters
        ----------
        designs
            Shape (designs, variables), SI units, in the order of ``physics.space.names``.
        outside
            "error" refuses designs outside the trained box. "flag" predicts them too, never clipped;
            `inside` says which to believe.

        Raises
        ------
        InputError
            For another shape, values that are not finite, and as ``outside`` says.
        """
        designs = check_designs(designs, self.space, outside)
        designs = designs.astype(np.float32)
        pieces = []
        for start in range(0, len(designs), BATCH):
            piece = designs[start : start + BATCH]
            padded = np.concatenate([piece, np.repeat(piece[-1:], BATCH - len(piece), axis=0)])
            pieces.append({k: np.asarray(v)[: len(piece)] for k, v in self._batch(padded).items()})
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def predict_one(self, design: Mapping[str, float]) -> dict[str, float]:
        """Figures of merit of one design given by name; raises `InputError` as `predict` does."""
        if missing := [name for name in self.space.names if name not in design]:
            raise InputError(
                "a design must give every variable of the box", list(design), f"add {missing}"
            )
        row = np.array([[design[name] for name in self.space.names]])
        return {name: float(value[0]) for name, value in self.predict(row).items()}

    def predict_curves(
        self, design: Mapping[str, float], points: int
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "points outputs"]]:
        """Curves of one design given by name, on even points up to its predicted end.

        Returns
        -------
        share, curves
            Shares of the nominal capacity, and the columns of `CurvePhysics.curves`.
        """
        row = jnp.asarray([design[name] for name in self.space.names], jnp.float32)
        share = np.linspace(0, self.predict_one(design)[ACCEPTED_SHARE], points, dtype=np.float32)
        return share, np.asarray(jax.jit(self.curves)(row, jnp.asarray(share)))

    def inside(self, designs: Float[np.ndarray, "designs variables"]) -> np.ndarray:
        """Which designs lie in the trained domain: in the box, and not far from all data in it."""
        checked = check_designs(designs, self.space, "flag")
        return self._trust.domain.inside(checked)

    def half_widths(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Half-widths of the 90 % intervals of designs, by learned figure of merit, in its unit."""
        return self._trust.half_widths(check_designs(designs, self.space, "flag"))

    def ends(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """Probabilities of how each simulation would end; see `EndModel.probabilities`."""
        return self._trust.ends.predict(check_designs(designs, self.space, "flag"))

    @property
    def _trust(self) -> Trust:
        if self.trust is None:
            raise InputError("a surrogate must have held designs out to know its errors", "none")
        return self.trust

    def interval(self, figure: str) -> float:
        """Half-width that holds 90 % of designs, one for all; 0 for a figure in closed form."""
        return self.accuracy.figures.get(figure, {}).get("interval", 0.0)
