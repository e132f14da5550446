"""How wrong a surrogate is on the reference problems: one measure for every method.

The truth is a simulated test sweep. Of each test design is asked

- *accepted capacity*: the charge passed up to the end of the charge. The nominal capacity follows from
  the design alone, so its relative error is that of the share accepted/nominal: the median [%], and the
  95th percentile of the absolute error of the share;
- *curves*: voltage, and the negative electrode's potential at the separator, at 33 even points of
  charge between nothing and the end, of those at which the simulations kept them. The error of a curve
  is its root mean square over those points [mV]: the median and the 95th percentile over the designs;
- *plating margin*: the least negative electrode potential over the charge. Its absolute error [mV]: the
  median and the 95th percentile.

A surrogate that knows its curves against charge is read at the truth's own charges. One that learned 33
numbers a curve, at even parts of each design's own end, is compared point by point: the kindest reading,
for an error of its end does not shift its curve. Designs that come near to emptying the electrolyte are
also counted apart.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.sweeps.dataset import EVEN, Dataset

CAPACITY = "accepted capacity, median relative error [%]"
SHARE_95 = "accepted share, 95th percentile of absolute error"
VOLTAGE_RMSE, VOLTAGE_95 = "voltage RMSE, median [mV]", "voltage RMSE, 95th percentile [mV]"
POTENTIAL_RMSE = "negative potential RMSE, median [mV]"
POTENTIAL_95 = "negative potential RMSE, 95th percentile [mV]"
MARGIN, MARGIN_95 = (
    "plating margin error, median [mV]",
    "plating margin error, 95th percentile [mV]",
)
METRICS = (
    CAPACITY,
    SHARE_95,
    VOLTAGE_RMSE,
    VOLTAGE_95,
    POTENTIAL_RMSE,
    POTENTIAL_95,
    MARGIN,
    MARGIN_95,
)
SALT_LEFT, SALT_GONE = "salt left", "salt gone"
"""Put after a metric's name where only the designs above `DEPLETED` are counted, or those below."""
POINTS = int(EVEN.sum())
"""Even points of a curve that count."""
DEPLETED = 50.0
"""Electrolyte concentration [mol.m-3] under which the reference mesh is in doubt itself."""


@dataclass(frozen=True)
class Prediction:
    """What is asked of a surrogate, of every design of a sweep.

    Attributes
    ----------
    share
        Accepted over nominal capacity.
    voltage, potential
        Voltage, and negative electrode potential at the separator [V], at the truth's even charges.
    margin
        Plating margin [V].
    """

    share: Float[np.ndarray, " designs"]
    voltage: Float[np.ndarray, "designs points"]
    potential: Float[np.ndarray, "designs points"]
    margin: Float[np.ndarray, " designs"]


def truth_of(data: Dataset) -> Prediction:
    """What a perfect surrogate would say."""
    return Prediction(
        share=data.figures[ACCEPTED_CAPACITY] / data.figures[NOMINAL_CAPACITY],
        voltage=data.curves[VOLTAGE][:, EVEN],
        potential=data.curves[NEGATIVE_POTENTIAL][:, EVEN],
        margin=data.figures[PLATING_MARGIN],
    )


def accuracy(
    truth: Dataset,
    share: Float[np.ndarray, " designs"],
    voltage: Float[np.ndarray, "designs points"],
    potential: Float[np.ndarray, "designs points"],
    margin: Float[np.ndarray, " designs"],
) -> dict[str, float]:
    """Errors of a prediction over the completed designs of a test sweep, by the names of `METRICS`.

    Parameters
    ----------
    truth
        The test sweep.
    share, voltage, potential, margin
        As in `Prediction`, one row a design of the sweep, failed ones included.

    Returns
    -------
    dict
        `METRICS` over all completed designs; again, with ``", salt left"`` and ``", salt gone"`` after
        the name, over those whose electrolyte stays above `DEPLETED` and those where it does not,
        where there are any; and how many designs were counted.

    Raises
    ------
    InputError
        If shapes do not fit the sweep, or a prediction for a completed design is not finite.
    """
    given = Prediction(share, voltage, potential, margin)
    _check(truth, given)
    rows = truth.completed
    errors = _errors(truth, given, rows)
    left = truth.figures[LEAST_ELECTROLYTE][rows] > DEPLETED
    found = {"designs": float(np.sum(rows)), **_summary(errors)}
    for name, part in ((SALT_LEFT, left), (SALT_GONE, ~left)):
        found[f"designs, {name}"] = float(np.sum(part))
        if part.any():
            own = {key: error[part] for key, error in errors.items()}
            found |= {f"{metric}, {name}": value for metric, value in _summary(own).items()}
    return found


def badness(found: dict[str, float]) -> float:
    """One number to tune by: the mean logarithm of `METRICS`, so that each counts by its ratio."""
    return float(np.mean([np.log(found[name]) for name in METRICS]))


def _errors(truth: Dataset, given: Prediction, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of each design: relative, of the share, and [mV]."""
    true = truth_of(truth)

    def rms(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 1e3 * np.sqrt(np.mean((a[rows] - b[rows]) ** 2, axis=1))

    return {
        "capacity": 100 * np.abs(given.share[rows] / true.share[rows] - 1),
        "share": np.abs(given.share[rows] - true.share[rows]),
        "voltage": rms(given.voltage, true.voltage),
        "potential": rms(given.potential, true.potential),
        "margin": 1e3 * np.abs(given.margin[rows] - true.margin[rows]),
    }


def _summary(errors: dict[str, np.ndarray]) -> dict[str, float]:
    """`METRICS` of some designs' errors."""

    def median(name: str) -> float:
        return float(np.median(errors[name]))

    def tail(name: str) -> float:
        return float(np.quantile(errors[name], 0.95))

    return {
        CAPACITY: median("capacity"),
        SHARE_95: tail("share"),
        VOLTAGE_RMSE: median("voltage"),
        VOLTAGE_95: tail("voltage"),
        POTENTIAL_RMSE: median("potential"),
        POTENTIAL_95: tail("potential"),
        MARGIN: median("margin"),
        MARGIN_95: tail("margin"),
    }


def _check(truth: Dataset, given: Prediction) -> None:
    """Raise `InputError` unless the prediction is of this sweep, and finite where it is asked for."""
    n = len(truth)
    for name, shape in (
        ("share", (n,)),
        ("voltage", (n, POINTS)),
        ("potential", (n, POINTS)),
        ("margin", (n,)),
    ):
        values = getattr(given, name)
        if values.shape != shape:
            raise InputError(
                f"the predicted {name} must have a row for each test design", values.shape, shape
            )
        broken = int(np.sum(~np.isfinite(values[truth.completed])))
        if broken:
            raise InputError(
                f"the predicted {name} must be finite", f"{broken} values that are not", "finite values"
            )
