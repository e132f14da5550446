"""The measure by which all surrogates are compared: planted errors must come back as planted."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)
from electrograd.sweeps.dataset import PLACES, POINTS, Dataset

N = 101


@pytest.fixture(scope="module")
def measure():
    path = Path(__file__).parents[1] / "benchmarks" / "_accuracy.py"
    found = importlib.util.spec_from_file_location("_accuracy", path)
    module = importlib.util.module_from_spec(found)
    sys.modules["_accuracy"] = module
    found.loader.exec_module(module)
    yield module
    del sys.modules["_accuracy"]


def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    ends = np.full(N, int(End.VOLTAGE_CUT_OFF))
    ends[0] = int(End.SOLVER_FAILURE)
    return Dataset(
        names=("a",),
        values=rng.random((N, 1)),
        ends=ends,
        messages=[""] * N,
        charge=np.tile(30 * PLACES, (N, 1)),
        curves={VOLTAGE: 3.5 + rng.random((N, POINTS)), NEGATIVE_POTENTIAL: rng.random((N, POINTS))},
        figures={
            NOMINAL_CAPACITY: np.full(N, 40.0),
            ACCEPTED_CAPACITY: np.full(N, 30.0),
            PLATING_MARGIN: rng.normal(size=N),
            LEAST_ELECTROLYTE: np.where(np.arange(N) > 90, 10.0, 500.0),
        },
    )


def asked(measure, data, prediction):
    return measure.accuracy(
        data, prediction.share, prediction.voltage, prediction.potential, prediction.margin
    )


def test_the_truth_is_without_error(measure):
    found = asked(measure, dataset(), measure.truth_of(dataset()))
    assert all(found[name] == 0 for name in measure.METRICS)


def test_planted_errors_come_back(measure):
    data = dataset()
    true = measure.truth_of(data)
    k = np.arange(N) / 100  # of the completed designs: 0.01 to 1, median 0.505, 95th percentile 0.9505
    ripple = np.where(np.arange(measure.POINTS) % 2, 1.0, -1.0)
    wrong = replace(
        true,
        share=true.share * (1 - 0.01 * k),
        voltage=true.voltage + 2e-3 * k[:, None] * ripple,
        potential=true.potential - 3e-3 * k[:, None],
        margin=true.margin + 1e-3 * k * ripple[0],
    )
    found = asked(measure, data, wrong)
    assert found["designs"] == 100
    assert found[measure.CAPACITY] == pytest.approx(0.505)
    assert found[measure.SHARE_95] == pytest.approx(0.75 * 0.01 * 0.9505)
    assert found[measure.VOLTAGE_RMSE] == pytest.approx(2 * 0.505)
    assert found[measure.VOLTAGE_95] == pytest.approx(2 * 0.9505)
    assert found[measure.POTENTIAL_95] == pytest.approx(3 * 0.9505)
    assert found[measure.MARGIN] == pytest.approx(0.505)
    assert found[f"designs, {measure.SALT_GONE}"] == 10
    assert found[f"{measure.MARGIN}, {measure.SALT_GONE}"] == pytest.approx(0.955)


def test_failed_designs_need_no_prediction(measure):
    data = dataset()
    true = measure.truth_of(data)
    share = true.share.copy()
    share[0] = np.nan
    assert asked(measure, data, replace(true, share=share))[measure.CAPACITY] == 0
    share[1] = np.nan
    with pytest.raises(InputError, match="share must be finite"):
        asked(measure, data, replace(true, share=share))


def test_shapes_are_checked(measure):
    data = dataset()
    true = measure.truth_of(data)
    with pytest.raises(InputError, match="a row for each test design"):
        asked(measure, data, replace(true, voltage=true.voltage[:, :-1]))
