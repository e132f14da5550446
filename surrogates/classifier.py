"""Which of a few classes a design belongs to: an ensemble of small networks with honest probabilities.

Every member sees its own folds of the data. The networks' mean logits are divided by a temperature
(Guo et al., ICML 2017) that is fitted to designs which their members never saw, and a class that was
never seen keeps Laplace's rule of succession:

    p(c) = (n + 1)/(n + 2) softmax(z̄ / T)_c,     p(unseen) = 1/(n + 2)     after n designs

so that with one class alone there is nothing to train, and the probability is still not 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int
from scipy.optimize import minimize_scalar

from electrograd.physics.errors import InputError

Weights = dict[str, Float[Array, "members ..."]]


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained: seconds on one core, no tuning.

    Attributes
    ----------
    members, folds
        Networks, and folds of the data; member m never sees fold m modulo ``folds``.
    width
        Neurons in each of the two hidden layers.
    steps, batch
        Steps of AdamW, and designs in each; the step with the best held-out likelihood is kept.
    learning_rate, decay
        Peak rate, decayed along a cosine; weight decay.
    """

    members: int = 8
    folds: int = 4
    width: int = 32
    steps: int = 800
    batch: int = 256
    learning_rate: float = 0.01
    decay: float = 1.0


@dataclass(frozen=True)
class Classifier:
    """Probabilities of the classes that were seen, for features of order one.

    Attributes
    ----------
    classes, counts
        Classes in ascending order, and how many designs each had.
    temperature
        T.
    weights
        Stacked weights of the members by name; empty where one class alone was seen.
    held_out
        `scores` on designs held out from the members that judged them; empty likewise.
    """

    classes: tuple[int, ...]
    counts: tuple[int, ...]
    temperature: float
    weights: Weights
    held_out: dict[str, float]

    @property
    def unseen(self) -> float:
        """Probability that a design belongs to no class that was seen, by the rule of succession."""
        return 1 / (sum(self.counts) + 2)

    def probabilities(self, features: Float[Array, " features"]) -> Float[Array, " classes"]:
        """Probabilities of ``classes`` for one design; they and ``unseen`` sum to one."""
        if not self.weights:
            return jnp.full(1, 1 - self.unseen, features.dtype)
        logits = jax.vmap(lambda w: _logits(w, features))(dict(self.weights))
        return (1 - self.unseen) * jax.nn.softmax(logits.mean(axis=0) / self.temperature)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What belongs among an artefact's arrays."""
        return {name: np.asarray(weight) for name, weight in self.weights.items()}

    def to_dict(self) -> dict[str, Any]:
        """What belongs in an artefact's JSON."""
        return {
            "classes": list(self.classes),
            "counts": list(self.counts),
            "temperature": self.temperature,
            "held_out": self.held_out,
        }

    @classmethod
    def from_saved(cls, arrays: Mapping[str, Any], saved: Mapping[str, Any]) -> "Classifier":
        """Undo `to_arrays` and `to_dict`."""
        return cls(
            classes=tuple(saved["classes"]),
            counts=tuple(saved["counts"]),
            temperature=float(saved["temperature"]),
            weights={name: jnp.asarray(array) for name, array in arrays.items()},
            held_out=dict(saved["held_out"]),
        )


def fit_classifier(
    features: Float[np.ndarray, "designs features"],
    labels: Int[np.ndarray, " designs"],
    key: Array,
    settings: ClassifierSettings | None = None,
) -> Classifier:
    """Train a classifier.

    Parameters
    ----------
    features
        Of order one, such as coordinates from -1 to 1 across the box.
    labels
        The class of each design.
    key
        JAX key of folds, weights and batches.

    Raises
    ------
    InputError
        Without designs, or for features that are not finite.
    """
    settings = settings or ClassifierSettings()
    if not len(labels) or not np.all(np.isfinite(features)):
        raise InputError("a classifier needs designs with finite features", features.shape)
    classes, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    known = {"classes": tuple(classes.tolist()), "counts": tuple(counts.tolist())}
    if len(classes) == 1:
        return Classifier(**known, temperature=1.0, weights={}, held_out={})
    key_fold, key_weights, key_steps = jax.random.split(key, 3)
    # Folds go through each class in turn, so that a rare one is in as many as it can be.
    shuffled = np.asarray(jax.random.permutation(key_fold, len(labels)))
    order = shuffled[np.argsort(index[shuffled], kind="stable")]
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % settings.folds
    blind = fold[None] == np.arange(settings.members)[:, None] % settings.folds
    x, y = jnp.asarray(features, jnp.float32), jnp.asarray(index)
    sizes = (features.shape[1], settings.width, settings.width, len(classes))
    weights, logits = _train(x, y, blind, sizes, key_weights, key_steps, settings)
    held_out = np.einsum("md,mdc->dc", blind, logits) / blind.sum(0)[:, None]
    one_hot = np.eye(len(classes))[index]

    def unlikely(log_temperature: float) -> float:
        return -float((one_hot * _log_softmax(held_out / np.exp(log_temperature))).sum(1).mean())

    fitted = minimize_scalar(unlikely, bounds=(-1.5, 1.5), method="bounded")
    temperature = float(np.exp(fitted.x))
    probabilities = np.exp(_log_softmax(held_out / temperature))
    return Classifier(
        **known,
        temperature=temperature,
        weights=weights,
        held_out=scores(probabilities[:, 1:].sum(1), index > 0)
        | {"accuracy": float(np.mean(probabilities.argmax(1) == index)), "log loss": float(fitted.fun)},
    )


def scores(
    probability: Float[np.ndarray, " designs"], happened: np.ndarray, bins: int = 10
) -> dict[str, float]:
    """How good probabilities of an event are.

    Returns
    -------
    dict
        Accuracy; Brier score (mean squared error); expected calibration error (mean over bins of even
        width of |mean probability - frequency|); area under the ROC curve (NaN where nothing or
        everything happened).
    """
    happened = np.asarray(happened, bool)
    place = np.minimum((probability * bins).astype(int), bins - 1)
    excess = np.bincount(place, weights=probability - happened, minlength=bins)
    ranks = _ranks(probability)
    n, m = int(happened.sum()), int((~happened).sum())
    area = (ranks[happened].sum() - n * (n - 1) / 2) / (n * m) if n and m else float("nan")
    return {
        "accuracy": float(np.mean((probability > 0.5) == happened)),
        "Brier score": float(np.mean((probability - happened) ** 2)),
        "calibration error": float(np.abs(excess).sum() / len(probability)),
        "area under ROC": float(area),
    }


def _ranks(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks from 0; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def _train(
    x: Float[Array, "designs features"],
    y: Int[Array, " designs"],
    blind: Bool[np.ndarray, "members designs"],
    sizes: tuple[int, ...],
    key_weights: Array,
    key_steps: Array,
    settings: ClassifierSettings,
) -> tuple[Weights, Float[np.ndarray, "members designs classes"]]:
    """Train all members at once; return their weights at the best step, and their logits there."""
    # Members differ by a design in how many they see: cut to the fewest, so that they stack.
    kept = [np.flatnonzero(~row) for row in blind]
    seen = jnp.asarray(np.stack([rows[: min(map(len, kept))] for rows in kept]))
    schedule = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    optimiser = optax.adamw(schedule, weight_decay=settings.decay)

    def loss(weights: Any, rows: Array) -> Float[Array, ""]:
        logits = jax.vmap(lambda features: _logits(weights, features))(x[rows])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    def step(carry: Any, key: Array) -> tuple[Any, None]:
        def one(weights: Any, state: Any, key: Array, seen: Array) -> tuple[Any, Any]:
            rows = seen[jax.random.randint(key, (settings.batch,), 0, len(seen))]
            updates, state = optimiser.update(jax.grad(loss)(weights, rows), state, weights)
            return optax.apply_updates(weights, updates), state

        weights, state = carry
        return jax.vmap(one)(weights, state, jax.random.split(key, settings.members), seen), None

    run = jax.jit(lambda carry, keys: jax.lax.scan(step, carry, keys)[0])

    @jax.jit
    def begin(keys: Array) -> tuple[Any, Any]:
        weights = jax.vmap(lambda key: _initial(sizes, key))(keys)
        return weights, jax.vmap(optimiser.init)(weights)

    carry = begin(jax.random.split(key_weights, settings.members))
    checks = 20
    keys = jax.random.split(key_steps, settings.steps // checks * checks).reshape(checks, -1)
    features, truth = np.asarray(x), np.eye(sizes[-1])[np.asarray(y)]
    best, logits, least = carry[0], np.empty(0), np.inf
    for few in keys:
        carry = run(carry, few)
        now = _judge(carry[0], features)
        unlikely = -(truth[None] * _log_softmax(now))[blind].sum() / blind.sum()
        if unlikely < least:
            best, logits, least = carry[0], now, unlikely
    return dict(best), logits


def _judge(
    weights: Mapping[str, Array], features: Float[np.ndarray, "designs features"]
) -> Float[np.ndarray, "members designs classes"]:
    """Logits of all members, by NumPy: nothing to compile."""
    own = {name: np.asarray(leaf) for name, leaf in weights.items()}
    members = len(own["bias.0"])
    return np.stack([_logits({k: w[m] for k, w in own.items()}, features) for m in range(members)])


def _initial(sizes: tuple[int, ...], key: Array) -> dict[str, Array]:
    weights = {}
    for k, (ins, outs) in enumerate(pairwise(sizes)):
        kernel = jax.random.normal(jax.random.fold_in(key, k), (ins, outs), jnp.float32)
        weights[f"kernel.{k}"] = kernel / np.float32(np.sqrt(ins))
        weights[f"bias.{k}"] = jnp.zeros(outs, jnp.float32)
    return weights


def _logits(weights: Mapping[str, Any], features: Any) -> Any:
    """Logits of one member, from features (..., features); NumPy and JAX alike."""
    hidden = _silu(features @ weights["kernel.0"] + weights["bias.0"])
    hidden = _silu(hidden @ weights["kernel.1"] + weights["bias.1"])
    return hidden @ weights["kernel.2"] + weights["bias.2"]


def _silu(x: Any) -> Any:
    xp: Any = np if isinstance(x, np.ndarray) else jnp
    return x * (0.5 + 0.5 * xp.tanh(x / 2))


def _log_softmax(logits: Float[np.ndarray, "... classes"]) -> Float[np.ndarray, "... classes"]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
