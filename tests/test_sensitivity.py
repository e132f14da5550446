"""Sensitivity against closed forms: Ishigami, Sobol's G, linear; in a study; in tables and pictures."""

import json
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from SALib.analyze import pawn, sobol
from SALib.sample import sobol as saltelli
from scipy.stats import truncnorm

from electrograd.analysing import along_csv, checked
from electrograd.console import Reporter
from electrograd.design.sensitivity import (
    METHODS,
    fast_indices,
    morris_effects,
    sensitivity_of,
    sobol_indices,
)
from electrograd.design.sensitivity_along import indices_along
from electrograd.design.sensitivity_check import checked_indices
from electrograd.design.sensitivity_estimates import error_fields, sobol_sequence
from electrograd.design.sensitivity_further import dgsm_bounds, pawn_indices, swings
from electrograd.design.sensitivity_inputs import Inputs
from electrograd.design.sensitivity_results import SobolIndices
from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGING_ENERGY,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
)
from electrograd.report import as_svg
from electrograd.sensitivity_figures import along_charge, index_bars, interaction_matrix, tornado
from electrograd.steps import StudyRun
from electrograd.study_file import bundled_text, parse_study
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.sweeping import StudySweep
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.space import DesignSpace
from electrograd.tables import check_lines, sensitivity_lines

NAMES = (N_P_RATIO, NEGATIVE_POROSITY, POSITIVE_POROSITY)
SPACE = DesignSpace.from_bounds({N_P_RATIO: (0.6, 3.0), NAMES[1]: (0.1, 0.9), NAMES[2]: (0.1, 0.9)})
TWO = DesignSpace.from_bounds({NEGATIVE_POROSITY: (0.2, 0.6), POSITIVE_POROSITY: (0.2, 0.6)})
LINEAR = np.array([100, 1]) / 101  # y = 10 a + b with equal ranges

STUDY = bundled_text("fast_charge")
SAMPLES = "samples: 1024 "

Function = Callable[[Any], Any]


def place(x: Any, space: DesignSpace = SPACE) -> Any:
    """Designs as places in the unit cube."""
    lower, upper = np.array(space.lower), np.array(space.upper)
    return (x - lower) / (upper - lower)


def ishigami(x: Any) -> Any:
    """Ishigami and Homma (1990) with a = 7, b = 0.1."""
    z = np.pi * (2 * place(x) - 1)
    return jnp.sin(z[..., 0]) + 7 * jnp.sin(z[..., 1]) ** 2 + 0.1 * z[..., 2] ** 4 * jnp.sin(z[..., 0])


def sobol_g(x: Any) -> Any:
    """Sobol's G with a = 0, 1, 4.5."""
    u = place(x)
    return math.prod((jnp.abs(4 * u[..., k] - 2) + a) / (1 + a) for k, a in enumerate((0.0, 1.0, 4.5)))


def linear(x: Any) -> Any:
    return 10 * x[..., 0] + x[..., 1]


def predicted(function: Function) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    return lambda x: {"y": np.asarray(function(x))}


PARTS = 1 / 3 / (1 + np.array([0.0, 1.0, 4.5])) ** 2
G_VARIANCE = np.prod(1 + PARTS) - 1
KNOWN: dict[str, tuple[Function, DesignSpace, Any, Any]] = {
    "linear": (linear, TWO, LINEAR, LINEAR),
    "ishigami": (ishigami, SPACE, [0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437]),
    "sobol g": (
        sobol_g,
        SPACE,
        PARTS / G_VARIANCE,
        PARTS / (1 + PARTS) * (1 + G_VARIANCE) / G_VARIANCE,
    ),
}
"""Functions with their spaces, first-order and total indices."""


@pytest.mark.parametrize("known", KNOWN)
def test_sobol_indices_are_the_closed_form_s(known: str) -> None:
    function, space, first, total = KNOWN[known]
    index = sobol_indices(predicted(function), space, ["y"], 4096, seed=0)["y"]
    assert np.all(np.abs(index.first - first) < 1.5 * index.first_confidence + 1e-3)
    assert np.all(np.abs(index.total - total) < 1.5 * index.total_confidence + 1e-3)
    if known == "linear":
        np.testing.assert_allclose(index.first, [0.990, 0.010], atol=1e-3)
        np.testing.assert_allclose(index.total, [0.990, 0.010], atol=1e-3)


@pytest.mark.parametrize("known", KNOWN)
def test_fourier_amplitudes_find_the_same(known: str) -> None:
    """Within 0.015 beyond their confidence: four harmonics, and frequencies that interfere."""
    function, space, first, total = KNOWN[known]
    index = fast_indices(predicted(function), space, ["y"], 1024, seed=0)["y"]
    assert np.all(np.abs(index.first - first) < index.first_confidence + 0.015)
    assert np.all(np.abs(index.total - total) < index.total_confidence + 0.015)


@pytest.mark.parametrize("known", KNOWN)
def test_slopes_bound_total_indices(known: str) -> None:
    function, space, _, total = KNOWN[known]
    index = dgsm_bounds(lambda x: {"y": function(x)}, space, ["y"], 1024, seed=0)["y"]
    assert np.all(index.bound > total - index.bound_confidence)


def test_second_order_of_ishigami() -> None:
    """Only the first and the third variable interact."""
    index = sobol_indices(predicted(ishigami), SPACE, ["y"], 8192, seed=1, second_order=True)["y"]
    assert index.second is not None
    assert index.second_confidence is not None
    assert index.second[0, 2] == index.second[2, 0] == pytest.approx(0.2437, abs=0.02)
    truth = np.array([[np.nan, 0, 0.2437], [0, np.nan, 0], [0.2437, 0, np.nan]])
    off = np.abs(index.second - truth) < 1.5 * index.second_confidence
    assert np.all(off | np.eye(3, dtype=bool))
    row = index.to_dict()[NAMES[0]]
    assert set(row["second"]) == set(row["second confidence"]) == set(NAMES[1:])


def test_sobol_indices_are_salib_s() -> None:
    """The same estimators, summed another way; the bootstrap is its own."""
    index = sobol_indices(predicted(ishigami), SPACE, ["y"], 256, seed=4, second_order=True)["y"]
    problem = Inputs(SPACE).problem()
    unit = saltelli.sample(problem, 256, seed=4)
    values = np.asarray(ishigami(Inputs(SPACE).from_unit(unit)))
    salib = sobol.analyze(problem, values, num_resamples=200, seed=1)
    above = np.triu_indices(3, 1)
    assert index.second is not None
    assert index.second_confidence is not None
    np.testing.assert_allclose(index.first, salib["S1"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(index.total, salib["ST"], rtol=1e-9)
    np.testing.assert_allclose(index.second[above], salib["S2"][above], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(index.first_confidence, salib["S1_conf"], rtol=0.3)
    np.testing.assert_allclose(index.total_confidence, salib["ST_conf"], rtol=0.3)
    np.testing.assert_allclose(index.second_confidence[above], salib["S2_conf"][above], rtol=0.3)


def test_groups_are_looked_at_as_one() -> None:
    inputs = Inputs(SPACE, groups={"outer": [NAMES[2], NAMES[0]]})
    index = sobol_indices(predicted(ishigami), inputs, ["y"], 4096, seed=0)["y"]
    assert index.names == ("outer", NAMES[1])
    np.testing.assert_allclose(index.first, [0.5576, 0.4424], atol=0.02)
    np.testing.assert_allclose(index.total, [0.5576, 0.4424], atol=0.02)
    three = predicted(lambda x: place(x) @ np.array([10.0, 3.0, 1.0]))
    effects = morris_effects(three, inputs, ["y"], 64, seed=0)["y"]
    assert effects.names == ("outer", NAMES[1])
    assert 9 < effects.effect[0] < 11, "ten and one, moved together or against each other"
    assert effects.effect[1] == pytest.approx(3)


def test_elementary_effects_of_a_linear_function_are_its_ranges() -> None:
    effects = morris_effects(predicted(linear), TWO, ["y"], 16, seed=0)["y"]
    np.testing.assert_allclose(effects.effect, [4.0, 0.4])
    np.testing.assert_allclose(effects.mean, [4.0, 0.4])
    np.testing.assert_allclose(effects.deviation, 0, atol=1e-12)
    bent = morris_effects(predicted(ishigami), SPACE, ["y"], 256, seed=0)["y"]
    assert bent.deviation[2] > bent.effect_confidence[2] > 0, "it interacts"


def test_pawn_is_salib_s_and_moves_by_the_slices() -> None:
    """Known to a tenth of its range, an even variable leaves distances 0.9, 0.8 … 0.5: median 0.7."""
    steep = predicted(lambda x: 100 * x[:, 0] + x[:, 1])
    index = pawn_indices(steep, TWO, ["y"], 4096, seed=0)["y"]
    assert index.median[0] == pytest.approx(0.7, abs=0.02)
    assert index.greatest[0] == pytest.approx(0.9, abs=0.02)
    assert index.median[1] < 0.1
    assert 0 < index.dummy < 0.06
    few = pawn_indices(predicted(ishigami), SPACE, ["y"], 256, seed=3)["y"]
    unit = sobol_sequence(4, 256, seed=3)[:, :3]
    problem = {"num_vars": 3, "names": list(NAMES)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of probabilities that nobody asks for
        salib = pawn.analyze(problem, unit, np.asarray(ishigami(Inputs(SPACE).from_unit(unit))))
    np.testing.assert_allclose(few.median, salib["median"], atol=0.02)  # it leaves the largest value out
    np.testing.assert_allclose(few.greatest, salib["maximum"], atol=0.02)
    assert np.all(few.median_confidence > 0)


def test_normal_variables_of_a_linear_function() -> None:
    """Shares of variance are the truncated normals' own; slopes find them where nothing is cut."""
    normal = {NEGATIVE_POROSITY: (0.3, 0.1), POSITIVE_POROSITY: (0.4, 0.2)}
    variances = [
        truncnorm.var((0.2 - mean) / wide, (0.6 - mean) / wide, scale=wide)
        for mean, wide in normal.values()
    ]
    truth = np.array([4.0, 1.0]) * variances
    index = sobol_indices(
        predicted(lambda x: 2 * x[:, 0] - x[:, 1]), Inputs(TWO, normal), ["y"], 2048, seed=0
    )["y"]
    np.testing.assert_allclose(index.first, truth / truth.sum(), atol=5e-3)
    np.testing.assert_allclose(index.total, truth / truth.sum(), atol=5e-3)
    narrow = Inputs(TWO, {NEGATIVE_POROSITY: (0.4, 0.02), POSITIVE_POROSITY: (0.4, 0.04)})
    bound = dgsm_bounds(lambda x: {"y": 2 * x[0] - x[1]}, narrow, ["y"], 1024, seed=0)["y"].bound
    np.testing.assert_allclose(bound, [0.5, 0.5], atol=5e-3)


def test_slopes_of_a_linear_function_and_a_logarithmic_variable() -> None:
    """Even variables: the bound is the total index times 12 / π²."""
    index = dgsm_bounds(lambda x: {"y": linear(x)}, TWO, ["y"], 1024, seed=0)["y"]
    np.testing.assert_allclose(index.bound, 12 / np.pi**2 * LINEAR, rtol=5e-3)
    bounds = {POSITIVE_THICKNESS: {"log": [2e-5, 2e-4]}, NEGATIVE_POROSITY: (0.2, 0.6)}
    space = DesignSpace.from_bounds(bounds)

    def tenfold(x: Any) -> Any:
        return 10 * jnp.log10(x[..., 0] / 2e-5) + place(x, space)[..., 1]

    bound = dgsm_bounds(lambda x: {"y": tenfold(x)}, space, ["y"], 1024, seed=0)["y"].bound
    np.testing.assert_allclose(bound, 12 / np.pi**2 * LINEAR, rtol=5e-3)
    shares = sobol_indices(predicted(tenfold), space, ["y"], 1024, seed=0)["y"]
    np.testing.assert_allclose(shares.first, LINEAR, atol=5e-3)


class Predicted:
    """A surrogate in closed form, whose figure of merit is a plating margin."""

    def __init__(self, function: Function = ishigami, interval: float = 0.0) -> None:
        self.space, self._function, self._interval = SPACE, function, interval

    def figures(self, design: Any) -> dict[str, Any]:
        return {PLATING_MARGIN: self._function(design)}

    def predict(self, designs: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.asarray(value) for name, value in self.figures(designs).items()}

    def predict_one(self, design: Mapping[str, float]) -> dict[str, float]:
        row = np.array([[design[name] for name in NAMES]])
        return {name: float(value[0]) for name, value in self.predict(row).items()}

    def interval(self, figure: str) -> float:
        return self._interval


def told(method: str, surrogate: Predicted, **more: Any) -> dict[str, Any]:
    found = sensitivity_of(surrogate, [PLATING_MARGIN], method, 128, 0, **more)
    return {"indices": {name: index.to_dict() for name, index in found.items()}}


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_told_drawn_repeated_and_zero_of_a_constant(method: str) -> None:
    record = told(method, Predicted())
    assert json.loads(json.dumps(record)) == told(method, Predicted()), "the seed decides everything"
    lines = sensitivity_lines(record)
    assert len(lines) == 4
    assert as_svg(index_bars(record["indices"], PLATING_MARGIN)).count("<svg") == 1
    flat = told(method, Predicted(lambda x: 0 * x[..., 0] + 3.0))["indices"][PLATING_MARGIN]
    assert {value for row in flat.values() for value in row.values()} == {0.0}


def test_pairs_are_told_and_drawn() -> None:
    found = sobol_indices(Predicted().predict, SPACE, [PLATING_MARGIN], 2048, seed=0, second_order=True)
    indices = {name: index.to_dict() for name, index in found.items()}
    pairs = [line for line in sensitivity_lines({"indices": indices}) if " with " in line]
    assert pairs[0].startswith("  N/P ratio with positive electrode porosity: 0.2")
    assert as_svg(interaction_matrix(indices, PLATING_MARGIN)).count("<svg") == 1
    flat = told("sobol", Predicted(lambda x: 0 * x[..., 0]), second_order=True)["indices"]
    assert not any(" with " in line for line in sensitivity_lines({"indices": flat}))
    assert as_svg(interaction_matrix(flat, PLATING_MARGIN)).count("<svg") == 1


def test_swings_through_a_design() -> None:
    surrogate = Predicted(lambda x: place(x) @ jnp.array([10.0, -3.0, 1.0]))
    swing = swings(surrogate.predict, SPACE, [PLATING_MARGIN])[PLATING_MARGIN]
    assert swing.centre == pytest.approx(4.0)
    np.testing.assert_allclose(swing.at_lower, [-1.0, 5.5, 3.5], rtol=1e-6)
    np.testing.assert_allclose(swing.at_upper, [9.0, 2.5, 4.5], rtol=1e-6)
    assert list(swing.to_dict()["swings"]) == list(NAMES)
    figure = tornado(swing, PLATING_MARGIN)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "N/P ratio", "the widest swing is on top"
    at_lower = swings(
        surrogate.predict, SPACE, [PLATING_MARGIN], dict(zip(NAMES, SPACE.lower, strict=True))
    )
    assert at_lower[PLATING_MARGIN].centre == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(InputError, match="must give every variable of the space"):
        swings(surrogate.predict, SPACE, [PLATING_MARGIN], {N_P_RATIO: 1.0})


def test_a_surrogate_s_error_is_carried() -> None:
    """Twenty surrogates, wrong alike at neighbouring designs: the truth is in their intervals."""
    half, names = 1.5, [f"surrogate {k}" for k in range(20)]

    def learned(x: np.ndarray) -> dict[str, np.ndarray]:
        truth, errors = np.asarray(ishigami(x)), error_fields(place(x), seed=9)
        return {name: truth + half / 1.645 * e for name, e in zip(names, errors, strict=True)}

    def known(x: np.ndarray) -> dict[str, np.ndarray]:
        return dict.fromkeys(names, np.full(len(x), half))

    without = sobol_indices(learned, SPACE, names, 512, seed=0)
    carried = sobol_indices(learned, SPACE, names, 512, seed=0, half_widths=known)
    off = np.abs([without[name].total - KNOWN["ishigami"][3] for name in names])
    bare, wide = (
        np.mean(off < [found[name].total_confidence for name in names]) for found in (without, carried)
    )
    assert wide >= 0.9
    assert bare < wide - 0.1
    for name in names:
        np.testing.assert_array_equal(without[name].total, carried[name].total)
    exact = sobol_indices(learned, SPACE, names[:1], 512, seed=0, half_widths=lambda x: {})[names[0]]
    np.testing.assert_array_equal(exact.total_confidence, without[names[0]].total_confidence)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: told("sobl", Predicted()), "this release knows; received: sobl; nearest valid: sobol"),
        (lambda: told("fast", Predicted(), second_order=True), "received: fast; nearest valid: sobol"),
        (
            lambda: sobol_indices(predicted(ishigami), SPACE, ["y"], 1000, seed=0),
            "power of two; received: 1000; nearest valid: 1024",
        ),
        (
            lambda: sobol_indices(predicted(ishigami), SPACE, ["x"], 16, seed=0),
            "of an output that is predicted; received: x; nearest valid: one of y",
        ),
        (
            lambda: sobol_indices(predicted(lambda x: np.log(x[:, 0] * 0)), SPACE, ["y"], 2, seed=0),
            "'y' must be finite at every design that is drawn; received: 10 of 10 are not",
        ),
        (
            lambda: fast_indices(predicted(ishigami), SPACE, ["y"], 64, seed=0),
            "received: 64; nearest valid: 65",
        ),
        (
            lambda: morris_effects(predicted(ishigami), SPACE, ["y"], 1, seed=0),
            "received: 1; nearest valid: 2",
        ),
        (
            lambda: Inputs(SPACE, groups={"pores": ["Negativ electrode porosity"]}),
            "the group 'pores' must be of the variables; received: Negativ electrode porosity; "
            "nearest valid: Negative electrode porosity",
        ),
        (lambda: Inputs(SPACE, groups={"a": [NAMES[0]], "b": [NAMES[0]]}), "in 'a' and 'b'"),
        (lambda: Inputs(SPACE, groups={NAMES[1]: [NAMES[0]]}), "must not have a variable's name"),
        (lambda: Inputs(SPACE, groups={"a": []}), "the group 'a' must have variables"),
        (lambda: Inputs(SPACE, normal={NAMES[0]: (9.0, 0.1)}), r"received: 9.0; nearest valid: 3.0"),
        (lambda: Inputs(SPACE, normal={NAMES[0]: (1.0, 0.0)}), r"received: 0.0; nearest valid: 0.4"),
        (
            lambda: pawn_indices(
                predicted(ishigami), Inputs(SPACE, groups={"a": [NAMES[0]]}), ["y"], 16, seed=0
            ),
            "received: pawn; nearest valid: sobol",
        ),
        (
            lambda: dgsm_bounds(
                lambda x: {"y": x[0]},
                DesignSpace.from_bounds({NEGATIVE_POROSITY: {"choices": [0.2, 0.3]}}),
                ["y"],
                16,
                seed=0,
            ),
            "slopes need variables that take every value.*received: choices; nearest valid: continuous",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_analysed_is_refused(ask: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("method: sobl", "received: sobl; nearest valid: sobol"),
        ("method: morris\n  second order: true", "'second order' is of the method 'sobol'"),
        ("method: fast", "the method 'fast' needs 65 samples at least"),
        ("method: pawn\n  groups: {pores: [N/P ratio]}", "'groups' are of the methods 'sobol' and"),
        (
            "groups: {pores: [Negativ electrode porosity]}",
            "of the study's variables; received: Negativ electrode porosity; nearest valid: "
            "Negative electrode porosity",
        ),
        (
            "normal: {N/P ratio: {mean: 2.0, standard deviation: 0.1}}",
            "line .*received: 2.0; nearest valid: 1.3",
        ),
        ("normal: {N/P ratio: {mean: 1.1}}", "'standard deviation' is required"),
        ("check: tests", "must name a further sweep with the sampler 'saltelli'.*received: tests"),
        ("method: morris\n  check: a", "'check' is of the method 'sobol'"),
    ],
)
def test_a_study_that_contradicts_itself_is_refused(said: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_study(STUDY.replace(SAMPLES, f"samples: 32\n  {said}\n  "))


def test_a_change_of_method_is_not_answered_by_an_old_file(tmp_path: Path) -> None:
    aims = parse_study(STUDY).aims

    space = parse_study(STUDY).space

    class Learned(Predicted):
        dataset, accuracy = "none", Accuracy({}, {PLATING_MARGIN: {"interval": 0.1}}, {})

        def figures(self, design: Any) -> dict[str, Any]:
            return dict.fromkeys(aims, jnp.sum(place(design, space) ** 2, axis=-1))

    def run(said: str) -> dict[str, Any]:
        return of_all(said)[N_P_RATIO]

    def of_all(said: str) -> dict[str, Any]:
        study = parse_study(STUDY.replace(SAMPLES, f"samples: 8\n  {said}\n  "))
        one = StudyRun(study, tmp_path, Reporter(quiet=True))
        learned = Learned(interval=0.1)
        learned.space = space
        one.__dict__["surrogate"] = learned
        assert set(one.sensitivity["swings"][PLATING_MARGIN]["swings"]) == set(space.names)
        assert one.sensitivity["along the charge"] is None, "it has no curves"
        return one.sensitivity["indices"][PLATING_MARGIN]

    for said, key in (("method: sobol", "total"), ("method: morris", "effect"), ("", "total")):
        found = run(said)
        assert key in found, "made anew"
        assert "second" not in found
    assert "second" in run("second order: true")
    file = tmp_path / "fast_charge" / "package" / "sensitivity.json"
    kept = file.stat().st_mtime_ns
    run("second order: true")
    assert file.stat().st_mtime_ns == kept
    groups = f"groups: {{pores: [{NEGATIVE_POROSITY}, {POSITIVE_POROSITY}]}}"
    grouped = of_all(f"{groups}\n  normal: {{N/P ratio: {{mean: 1.1, standard deviation: 0.01}}}}")
    assert set(grouped) == {"pores", N_P_RATIO, POSITIVE_THICKNESS}
    assert grouped[N_P_RATIO]["total"] < 0.1 < grouped["pores"]["total"]
    assert "  pores  " in "".join(sensitivity_lines({"indices": {PLATING_MARGIN: grouped}}))
    assert as_svg(index_bars({PLATING_MARGIN: grouped}, PLATING_MARGIN)).count("<svg") == 1


class Tilting(Surrogate):
    """Curves whose weight goes from one porosity to the other along a charge of half the capacity."""

    space = TWO
    accuracy = Accuracy({VOLTAGE: {"95th percentile [mV]": 100.0}}, {}, {})

    def __init__(self) -> None: ...

    def curves(self, design: Any, share: Any) -> Any:
        a, b = place(design, TWO)
        tilt = 2 * share * a + (1 - 2 * share) * b
        return jnp.stack([tilt, 0 * tilt, tilt, tilt], axis=-1)

    def predict(self, designs: np.ndarray, outside: Any = "error") -> dict[str, np.ndarray]:
        return {ACCEPTED_SHARE: np.full(len(designs), 0.5)}


def test_indices_along_the_charge() -> None:
    found = indices_along(Tilting(), Inputs(TWO), 512, seed=0, points=4)
    np.testing.assert_allclose(found.share, [0.125, 0.25, 0.375, 0.5], rtol=1e-6)
    weight = np.stack([2 * found.share, 1 - 2 * found.share], axis=1) ** 2
    truth = weight / weight.sum(axis=1, keepdims=True)
    total = np.array([index.total for index in found.indices[VOLTAGE]])
    np.testing.assert_allclose(total, truth, atol=0.02)
    last = found.indices[VOLTAGE][-1]
    assert last.total[1] < 1e-6
    assert last.total_confidence[1] > 0.02, "an error of 0.1 in a range of 1 is carried"
    assert not any(index.total.any() for index in found.indices[NEGATIVE_POTENTIAL]), "a constant"
    record = found.to_dict()
    rows = along_csv(record).decode().splitlines()
    assert len(rows) == 1 + 2 * 2 * 4
    assert rows[1].startswith(f"{VOLTAGE},0.125,{NEGATIVE_POROSITY},")
    assert as_svg(along_charge(record, VOLTAGE)).count("<svg") == 1


def test_a_surrogate_is_checked_on_simulations_of_the_same_samples() -> None:
    """With pairs' rows too, as a sweep draws them; what failed is left out of both."""
    base = 64
    values = SPACE.from_unit(saltelli.sample(Inputs(SPACE).problem(), base, seed=3))
    truth = np.asarray(ishigami(values))
    wrong = truth + 0.05 * np.asarray(linear(place(values)))
    failed = truth.copy()
    failed[5] = np.nan
    check = checked_indices(NAMES, {"y": failed}, {"y": wrong, "more": wrong}, base, seed=0)
    assert (check.samples, check.left_out) == (base - 1, 1)
    assert 1e-4 < check.differences["y"] < 0.03
    whole = checked_indices(NAMES, {"y": truth}, {"y": truth}, base, seed=0)
    assert whole.differences["y"] == 0
    few = sobol_indices(predicted(ishigami), SPACE, ["y"], base, seed=3, second_order=True)["y"]
    np.testing.assert_allclose(whole.simulated["y"].total, few.total)
    lines = check_lines({**check.to_dict(), "simulated": {}})
    assert lines == [
        "Total indices by PyBaMM and by the surrogate on 63 base samples; 1 left out, for a "
        "simulation failed"
    ]
    with pytest.raises(InputError, match="two must have been simulated whole"):
        checked_indices(NAMES, {"y": np.nan * truth}, {"y": truth}, base, seed=0)
    with pytest.raises(InputError, match="two rows at least"):
        checked_indices(NAMES[:2], {"y": truth}, {"y": truth}, base, seed=0)


class Right(Surrogate):
    """Right about charges whose voltage rises evenly from 3.5 V to 4 V."""

    space = parse_study(STUDY).space

    def __init__(self) -> None: ...

    def predict(self, designs: np.ndarray, outside: Any = "error") -> dict[str, np.ndarray]:
        share, margin = place(designs, self.space)[:, :2].T
        accepted = 30 * (0.4 + 0.2 * share)
        return {
            ACCEPTED_CAPACITY: accepted,
            ACCEPTED_SHARE: accepted / 30,
            PLATING_MARGIN: 0.01 * margin - 0.005 * share,
            CHARGING_ENERGY: 3.75 * accepted,
        }


def test_the_check_of_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right about a sweep of Saltelli's samples, a surrogate differs in nothing, whatever failed."""
    further = "\nfurther sweeps:\n  twice: {sampler: {saltelli: 8}}\n"
    study = parse_study(STUDY.replace(SAMPLES, "samples: 8\n  check: twice\n  ") + further)
    run = StudyRun(study, tmp_path, Reporter(quiet=True))
    plan = study.sweep_of("twice").plan()
    told_figures = Right().predict(plan.values)
    ends = np.full(len(plan), int(End.VOLTAGE_CUT_OFF))
    ends[3] = int(End.SOLVER_FAILURE)
    charge = np.linspace(0, told_figures[ACCEPTED_CAPACITY], 5, axis=-1)
    data = Dataset(
        names=plan.space.names,
        values=plan.values,
        ends=ends,
        messages=[""] * len(plan),
        charge=np.where(ends[:, None] == int(End.SOLVER_FAILURE), np.nan, charge),
        curves={VOLTAGE: 3.5 + 0.5 * charge / charge[:, -1:]},
        figures={
            NOMINAL_CAPACITY: np.full(len(plan), 30.0),
            **{name: told_figures[name] for name in (ACCEPTED_CAPACITY, PLATING_MARGIN)},
        },
    )
    run.__dict__["surrogate"] = Right()
    monkeypatch.setattr(StudySweep, "dataset", lambda *_: data)
    found = checked(run, "twice")
    assert (found["samples"], found["left_out"]) == (7, 1)
    assert len(found["simulated"]) == 4
    assert max(found["differences"].values()) < 1e-9
    assert found["simulated"][PLATING_MARGIN][N_P_RATIO]["total"] > 0.05
    assert len(check_lines(found)) == 1 + 4 * 5


def test_indices_are_records() -> None:
    """What was not asked for is not told."""
    index = SobolIndices(("a",), *np.zeros((4, 1)))
    assert index.to_dict() == {
        "a": dict.fromkeys(("first", "first confidence", "total", "total confidence"), 0.0)
    }
