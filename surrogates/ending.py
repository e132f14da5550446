"""How will this simulation end? Probabilities of every end that the sweep met, failures among them.

The end that curves imply (the first limit crossed) knows no failures and no doubt. This model has
both: it is trained on all designs of a sweep, completed or not, and its probabilities are calibrated
on designs held out. That the electrolyte runs out somewhere is learned apart, since a charge does not
end by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from electrograd.physics.charge import COMPLETED, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import LEAST_ELECTROLYTE
from electrograd.surrogates.classifier import Classifier, ClassifierSettings, fit_classifier
from electrograd.surrogates.domain import coordinates
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace

COMPLETES, DEPLETES, UNSEEN = "completes", "electrolyte depletes", "an end never seen"
"""Names of probabilities beside those of the ends themselves."""

DEPLETED = 10.0
"""Concentration below which the electrolyte counts as depleted [mol.m-3]."""


@dataclass(frozen=True)
class EndModel:
    """Probabilities of ends over a design space.

    Attributes
    ----------
    space
        The box.
    ends
        Classifier of `End`.
    depletion
        Classifier of 0 and 1, trained on completed simulations.
    """

    space: DesignSpace
    ends: Classifier
    depletion: Classifier

    def probabilities(self, design: Float[Array, " variables"]) -> dict[str, Float[Array, ""]]:
        """Probabilities of one design, SI units, differentiable.

        Returns
        -------
        dict
            By the label of each `End` seen, and for an end never seen: these sum to one. Beside them
            `COMPLETES` (ends seen that the physics or the scenario set) and `DEPLETES`.
        """
        features = coordinates(self.space, design)
        each = dict(zip(map(End, self.ends.classes), self.ends.probabilities(features), strict=True))
        completes = sum((p for end, p in each.items() if end in COMPLETED), jnp.zeros_like(features[0]))
        depletes = self.depletion.probabilities(features)
        by_class = dict(zip(self.depletion.classes, depletes, strict=True))
        return {
            **{end.label: p for end, p in each.items()},
            UNSEEN: jnp.full_like(features[0], self.ends.unseen),
            COMPLETES: completes,
            DEPLETES: by_class.get(1, jnp.full_like(features[0], self.depletion.unseen)),
        }

    @cached_property
    def _batch(self) -> Any:
        return jax.jit(jax.vmap(self.probabilities))

    def predict(
        self, designs: Float[np.ndarray, "designs variables"]
    ) -> dict[str, Float[np.ndarray, " designs"]]:
        """`probabilities` of many designs."""
        return {name: np.asarray(p) for name, p in self._batch(jnp.asarray(designs)).items()}

    def likeliest(self, designs: Float[np.ndarray, "designs variables"]) -> list[End]:
        """The likeliest end of each design."""
        each = self.predict(designs)
        table = np.stack([each[End(c).label] for c in self.ends.classes])
        return [End(self.ends.classes[k]) for k in table.argmax(axis=0)]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What belongs among an artefact's arrays."""
        parts = (("ends", self.ends), ("depletion", self.depletion))
        return {
            f"{part}.{name}": array
            for part, classifier in parts
            for name, array in classifier.to_arrays().items()
        }

    def to_dict(self) -> dict[str, Any]:
        """What belongs in an artefact's JSON."""
        return {"ends": self.ends.to_dict(), "depletion": self.depletion.to_dict()}

    @classmethod
    def from_saved(
        cls, space: DesignSpace, arrays: Mapping[str, Any], saved: Mapping[str, Any]
    ) -> "EndModel":
        """Undo `to_arrays` and `to_dict`."""

        def part(name: str) -> Classifier:
            own = {k.removeprefix(f"{name}."): v for k, v in arrays.items() if k.startswith(f"{name}.")}
            return Classifier.from_saved(own, saved[name])

        return cls(space=space, ends=part("ends"), depletion=part("depletion"))


def fit_ends(
    dataset: Dataset, space: DesignSpace, key: Array, settings: ClassifierSettings | None = None
) -> EndModel:
    """Learn how simulations end from all designs of a sweep that were tried.

    Raises
    ------
    InputError
        If no simulation completed, or values are not finite.
    """
    tried = dataset.only(dataset.ends != int(End.PENDING))
    completed = tried.only(tried.completed)
    if not len(completed):
        raise InputError("at least one simulation must have completed", tried.count_ends())
    key_ends, key_depletion = jax.random.split(key)
    return EndModel(
        space=space,
        ends=fit_classifier(coordinates(space, tried.values), tried.ends, key_ends, settings),
        depletion=fit_classifier(
            coordinates(space, completed.values),
            (completed.figures[LEAST_ELECTROLYTE] < DEPLETED).astype(int),
            key_depletion,
            settings,
        ),
    )
