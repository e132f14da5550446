"""Planted parameters come back; what curves cannot tell is said so; what is no such cell is flagged.

The model here is the surrogate's closed form (weights of nothing), and stands for PyBaMM too, with an
error of its own added: what is tested is the inference. Physics and trained surrogates: see
`benchmarks/identification.py`.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_measured import CURRENT, TIME, VOLTAGE, write
from untrained import untrained

import electrograd as eg
from electrograd.design import identification_posterior
from electrograd.design.charging import SimulatedCurve
from electrograd.design.identifiability import fisher, identifiability, sentences
from electrograd.design.identification import Identified, Identifier
from electrograd.design.identification_checks import checked_curves
from electrograd.design.identification_error import SurrogateError, covariance
from electrograd.design.identification_fit import best_fit, misfit_sentences
from electrograd.design.identification_model import ForwardModel, Readings
from electrograd.design.identification_posterior import Posterior, Sampler, Settings
from electrograd.design.likelihood import Data, Likelihood
from electrograd.design.measured import MeasuredCurve, read_curve, read_curves
from electrograd.design.package import to_json
from electrograd.identification_report import write_page
from electrograd.identify_command import identification_lines, identification_record
from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario
from electrograd.physics.variables import C_RATE, NEGATIVE_POROSITY
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.space import DesignSpace

DIFFUSIVITY, RADIUS = "Positive particle diffusivity factor", "Positive particle radius [m]"
KINETICS = "Negative electrode exchange-current density factor"
POSITIVE_KINETICS = "Positive electrode exchange-current density factor"
SCENARIO = Scenario(1.0, upper_voltage=4.2, lower_voltage=2.5)
AREA, NOISE = 0.1, 1e-3
CURRENTS = np.array([15.0, 35.0, 70.0])
TRUTH = np.array([0.35, 0.6, 0.25])
SETTINGS = Settings(chains=2, warm_up=150, draws=200, most=4000)


def closed_form(bounds: dict[str, object], cell: Cell) -> Surrogate:
    space = DesignSpace.from_bounds({**bounds, C_RATE: (0.2, 2.0)})  # type: ignore[dict-item]
    surrogate = untrained(CurvePhysics.of(cell, space, SCENARIO), "float32")
    nothing = {name: 0 * value for name, value in surrogate.ensemble.weights.items()}
    return dataclasses.replace(
        surrogate, ensemble=dataclasses.replace(surrogate.ensemble, weights=nothing)
    )


@pytest.fixture(scope="module")
def likelihood() -> Likelihood:
    bounds = {
        NEGATIVE_POROSITY: (0.2, 0.3),
        DIFFUSIVITY: {"log": (0.3, 3.0)},
        KINETICS: {"log": (0.3, 3.0)},
    }
    return Likelihood.of(ForwardModel(closed_form(bounds, Cell.load("Chen2020").with_factors(bounds))))


def wrong(charge: np.ndarray) -> np.ndarray:
    """By how much the surrogate is wrong [V]: up to 6 mV, the same for neighbours."""
    return 4e-3 * np.sin(charge / 6) + 2e-3


class Simulators:
    """Stands for PyBaMM: the closed form, and what the surrogate is wrong by."""

    def __init__(self, model: ForwardModel, error: Callable[[np.ndarray], np.ndarray]) -> None:
        self._at = jax.jit(lambda *at: model(*at))
        self._model, self._error = model, error

    def __call__(
        self, designs: Sequence[Mapping[str, float]], currents: Sequence[float]
    ) -> list[list[SimulatedCurve | None]]:
        charge = np.tile(np.linspace(0.0, 36.0, 400), (len(currents), 1))
        found: list[list[SimulatedCurve | None]] = []
        for design in designs:
            volts = self._at(
                jnp.asarray(self._model.unit(design)), jnp.asarray(currents), jnp.asarray(charge)
            )
            found.append(
                [
                    SimulatedCurve(q, np.asarray(v, float) + self._error(q))
                    for q, v in zip(charge, volts, strict=True)
                ]
            )
        return found


def measured(
    model: ForwardModel, error: Callable[[np.ndarray], np.ndarray], seed: int
) -> list[MeasuredCurve]:
    """Curves of the planted truth with noise."""
    rng = np.random.default_rng(seed)
    (curves,) = Simulators(model, error)([model.named(TRUTH)], CURRENTS.tolist())
    whole = [curve for curve in curves if curve is not None]
    charge = np.linspace(0.05, 33.0, 150)
    return [
        MeasuredCurve(
            f"{current:g}.csv",
            float(current * AREA),
            charge * AREA,
            curve.at(charge) + NOISE * rng.normal(size=len(charge)),
            float("nan"),
            (),
            {},
        )
        for current, curve in zip(CURRENTS, whole, strict=True)
    ]


@pytest.fixture(scope="module")
def curves(likelihood: Likelihood) -> list[MeasuredCurve]:
    return measured(likelihood.model, wrong, 1)


@pytest.fixture(scope="module")
def found(likelihood: Likelihood, curves: list[MeasuredCurve]) -> Identified:
    simulate = Simulators(likelihood.model, wrong)
    identifier = Identifier(
        likelihood.model.surrogate,
        simulate,
        SETTINGS,
    )
    with jax.numpy_rank_promotion("raise"):
        return identifier(Readings.of(curves, AREA, NOISE), seed=0)


def test_the_planted_truth_is_recovered_though_the_surrogate_is_wrong(found: Identified) -> None:
    draws = found.posterior.flat
    off = (TRUTH - draws.mean(axis=0)) / draws.std(axis=0)
    assert np.max(np.abs(off)) < 3.5
    assert np.max(found.left) < 0.2  # the curves tell far more than the bounds did
    assert all(found.told.values())
    assert not found.fit.doubted
    assert found.untold_words == found.edge_words == found.posterior.complaints() == []
    assert found.posterior.mixed_well, "the chains went on until no last digit decides it"
    np.testing.assert_allclose(found.left, found.at_fit.left, rtol=0.3)
    residuals = found.simulated_residuals()
    assert residuals is not None
    assert np.sqrt(np.mean(residuals**2)) == pytest.approx(NOISE, rel=0.25)
    estimate = found.estimates()[DIFFUSIVITY]
    truth = found.model.named(TRUTH)[DIFFUSIVITY]
    assert estimate is not None
    assert 0.9 * estimate["5 %"] < truth < 1.1 * estimate["95 %"]
    diffusivity = found.derived()["Positive particle diffusivity [m2.s-1]"]
    own = found.model.surrogate.physics.materials.positive.diffusivity
    assert diffusivity is not None
    assert diffusivity["median"] == pytest.approx(own * estimate["median"], rel=1e-3)


def test_chains_go_on_until_they_have_mixed_or_their_budget_is_spent(
    likelihood: Likelihood, found: Identified, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Sampler(likelihood, dataclasses.replace(SETTINGS, most=500))
    data = Data.of(found.readings, found.error.mean, found.error.covariance)
    told = []
    for bar in (np.inf, 0.0):  # what any chain passes, and what none does
        monkeypatch.setattr(identification_posterior, "WELL_MIXED", bar)
        monkeypatch.setattr(identification_posterior, "PLENTY", 0)
        told.append(sampler(data, found.fit.unit, seed=0).unit)
    short, long = told
    assert (short.shape, long.shape) == ((2, 200, 3), (2, 600, 3))
    np.testing.assert_array_equal(long[:, :200], short)
    assert np.all(np.any(np.diff(long, axis=1) != 0, axis=(0, 2)).reshape(-1)[[199, 399]])


def test_what_is_not_to_be_trusted_of_chains_is_said() -> None:
    rng = np.random.default_rng(0)
    apart = 0.5 + 0.01 * rng.normal(size=(2, 400, 2)) + np.array([-0.02, 0.02])[:, None, None]
    stuck = Posterior.of(apart, divergences=3)
    assert not stuck.mixed_well
    mixed, few, astray = stuck.complaints()
    assert mixed.startswith("The chains have not mixed: R̂ is ")
    assert "independent draws, of 200 wanted" in few
    assert astray.startswith("3 of the sampler's 800 leaps")
    assert Posterior.of(rng.normal(size=(4, 500, 2)), 0).mixed_well


def test_record_lines_and_page_say_what_was_found(
    found: Identified, curves: list[MeasuredCurve], tmp_path: Path
) -> None:
    record = {"study": "planted", "seconds": 1.0, **identification_record(found, curves, AREA)}
    record = json.loads(to_json(record))
    lines = identification_lines(record)
    assert any(line.startswith(DIFFUSIVITY) and "(90 %: " in line for line in lines)
    assert "RMS" in lines[-1]
    page = write_page(tmp_path, record, found).read_text()
    assert "they determine every parameter" in page
    assert page.count("<svg") == 3
    untold = dict.fromkeys(record["estimates"]), {"flagged": True, "words": ["It is another cell."]}
    record["estimates"], record["misfit"] = untold[0], {**record["misfit"], **untold[1]}
    lines = identification_lines(record)
    assert lines[0] == "It is another cell."
    assert any(line.endswith("not determined by these curves") for line in lines)
    page = write_page(tmp_path, record, found).read_text()
    assert "of another kind than the model knows" in page
    assert page.count("not determined by these curves") == 3


def test_without_mending_the_fit_is_wrong_and_doubted(
    likelihood: Likelihood, curves: list[MeasuredCurve], found: Identified
) -> None:
    """The harness can fail: the surrogate's own error, taken for nothing, moves the fit."""
    readings = Readings.of(curves, AREA, NOISE)
    nothing = np.zeros(len(readings.voltage))
    data = Data.of(readings, nothing, np.zeros((len(nothing), len(nothing))))
    fit = best_fit(likelihood, data, 0)
    deviation = found.posterior.flat.std(axis=0)
    assert np.max(np.abs(fit.unit - TRUTH) / deviation) > 5
    assert fit.doubted


def test_curves_of_another_kind_are_flagged_and_it_is_said_where(
    likelihood: Likelihood, found: Identified
) -> None:
    def other(charge: np.ndarray) -> np.ndarray:
        return wrong(charge) + 0.02 * np.exp(-((charge - 28) ** 2) / 4)

    curves = measured(likelihood.model, other, 2)
    readings = Readings.of(curves, AREA, NOISE)
    fit = best_fit(likelihood, Data.of(readings, found.error.mean, found.error.covariance), 0)
    assert fit.doubted
    first, second = misfit_sentences(fit, readings, curves)
    assert "not to be believed" in first
    assert "from 75 to 100 % of its charge" in second
    assert misfit_sentences(found.fit, found.readings, curves) == []


def test_an_unidentifiable_pair_is_said_in_words() -> None:
    """Where kinetics are fast, a particle's radius and diffusivity count by R²/D alone."""
    bounds = {RADIUS: (3e-6, 6e-6), DIFFUSIVITY: {"log": (0.3, 3.0)}, NEGATIVE_POROSITY: (0.2, 0.3)}
    cell = Cell.load("Chen2020").with_factors([*bounds, POSITIVE_KINETICS])
    model = ForwardModel(closed_form(bounds, cell.with_fixed({POSITIVE_KINETICS: 100.0})))
    likelihood = Likelihood.of(model)
    charge = np.linspace(0.05, 33.0, 60)  # the information does not ask what was measured
    curves = [
        MeasuredCurve("", i * AREA, charge * AREA, 3 + charge / 33, float("nan"), (), {})
        for i in CURRENTS.tolist()
    ]
    readings = Readings.of(curves, AREA, NOISE)
    count = len(readings.voltage)
    data = Data.of(readings, np.zeros(count), np.zeros((count, count)))
    told = identifiability(model.names, fisher(likelihood, TRUTH, data))
    assert told.told == {RADIUS: False, DIFFUSIVITY: False, NEGATIVE_POROSITY: True}
    ((_, direction),) = told.unknown
    # R²/D stays: a relative change of the radius goes with twice that of the diffusivity.
    radius = 3e-6 + TRUTH[0] * 3e-6
    relative = direction[0] * 3e-6 / radius, direction[1] * np.log(10)
    assert relative[1] / relative[0] == pytest.approx(2.0, rel=0.05)
    (said,) = sentences(told, model.axes, TRUTH)
    assert "cannot tell positive particle" in said
    assert "positive particle radius" in said
    assert "positive particle diffusivity factor" in said


def test_what_nothing_tells_is_said_alone() -> None:
    space = DesignSpace.from_bounds({NEGATIVE_POROSITY: (0.2, 0.3), KINETICS: {"log": (0.3, 3.0)}})
    told = identifiability(space.names, np.diag([1e4, 1e-2]))
    assert told.told == {NEGATIVE_POROSITY: True, KINETICS: False}
    (said,) = sentences(told, space.axes, np.array([0.5, 0.5]))
    assert said.startswith("These curves cannot determine negative electrode exchange-current")
    assert sentences(identifiability(space.names, 1e4 * np.eye(2)), space.axes, np.zeros(2)) == []


def test_neither_of_a_pair_is_told_though_one_alone_seems_to_be() -> None:
    """One has the smaller part in what is unknown: its own deviation is below the bar."""
    space = DesignSpace.from_bounds({RADIUS: (3e-6, 6e-6), DIFFUSIVITY: {"log": (0.3, 3.0)}})
    known = np.array([-0.5, 0.866])
    told = identifiability(space.names, 1e6 * np.multiply.outer(known, known) + 12 * np.eye(2))
    assert told.left[1] < 0.5 < told.left[0]
    assert told.told == {RADIUS: False, DIFFUSIVITY: False}


def test_the_errors_covariance_is_that_of_its_draws() -> None:
    """Few draws of a smooth error: its size is right, and neighbours go together."""
    rng = np.random.default_rng(0)
    shapes = np.stack([np.sin(np.linspace(0, 3, 60)), np.linspace(-1, 1, 60)])
    draws = 1e-3 * rng.normal(size=(16, 2)) @ shapes + 5e-3
    error = SurrogateError.of(draws)
    np.testing.assert_allclose(error.mean, 5e-3, atol=1e-3)
    truth = 1e-6 * shapes.T @ shapes
    assert np.trace(error.covariance) == pytest.approx(np.trace(truth), rel=0.6)
    correlation = error.covariance[10, 11] / error.covariance[10, 10]
    assert correlation > 0.7
    noise = rng.normal(size=(16, 60))
    off = covariance(noise)[~np.eye(60, dtype=bool)]
    assert np.sqrt(np.mean(off**2)) < 0.1  # of independent ones little is made up


def test_rates_that_the_space_does_not_cover_are_refused(tmp_path: Path) -> None:
    cell = Cell.load("Chen2020")
    space = DesignSpace.from_bounds({NEGATIVE_POROSITY: (0.2, 0.3), C_RATE: (0.2, 1.2)})
    voltage = VOLTAGE - 0.2
    slow = write(tmp_path / "slow.csv", time=TIME, current=CURRENT / 2, voltage=voltage)
    fast = write(tmp_path / "fast.csv", time=TIME / 4, current=1.4 * CURRENT, voltage=voltage)
    with pytest.raises(InputError, match=r"for curves from 0\.\d+C to 1\.\d*C.*C-rate: \["):
        checked_curves(read_curves([slow, fast]), cell, space, SCENARIO, AREA)
    with pytest.raises(InputError, match="varies what is estimated"):
        checked_curves(
            [read_curve(slow)], cell, DesignSpace.from_bounds({C_RATE: (0.2, 1.2)}), SCENARIO, AREA
        )


def test_the_bundled_studys_curves_are_its_cells() -> None:
    study = eg.load_study("identify")
    assert study.identify_section is not None
    cell = study.loaded_cell
    curves = checked_curves(
        read_curves([Path(curve) for curve in study.identify_section.curves]),
        cell,
        study.space,
        study.scenario,
        cell.electrode_area,
    )
    rates = [curve.current / 5.07 for curve in curves]
    np.testing.assert_allclose(rates, [0.3, 0.75, 1.5], rtol=0.01)
    assert all(0.5e-3 < curve.noise < 2e-3 for curve in curves)
    assert all(curve.rest == pytest.approx(2.557, abs=1e-3) for curve in curves)


def test_a_study_without_curves_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must state 'identify'"):
        eg.identify(eg.load_study("R1"), tmp_path)
    assert not list(tmp_path.iterdir())
