"""Intervals hold the share they state, of designs unlike those that calibrated them."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.physics.errors import InputError
from electrograd.physics.variables import N_P_RATIO, NEGATIVE_POROSITY
from electrograd.surrogates.calibration import Calibration, calibrate
from electrograd.surrogates.domain import coordinates
from electrograd.surrogates.spread import Spread, fit_spread
from electrograd.sweeps.space import DesignSpace

SPACE = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.2, 0.5)})


def scale(designs: np.ndarray) -> np.ndarray:
    """How wrong planted members are: ten times as much at one side of the box as at the other."""
    return 1e-3 * np.exp(1.15 * coordinates(SPACE, designs)[:, 0])


def members(
    rng: np.random.Generator, designs: np.ndarray, groups: int, each: int, shared: float
) -> np.ndarray:
    """Errors of an ensemble, heavy in their tails: one part shared by all, one by a group, one own."""
    shapes = (1, 1, len(designs)), (groups, 1, len(designs)), (groups, each, len(designs))
    parts = (rng.standard_t(8, size=shape) for shape in shapes)
    weights = (shared, 0.5, 0.7)
    return scale(designs) * sum(w * part for w, part in zip(weights, parts, strict=True))


def coverage(seed: int, groups: int, each: int, shared: float, designs: int = 600) -> list[float]:
    """Coverage of the ensemble's mean by intervals from held-out groups: overall, easy and hard half."""
    rng = np.random.default_rng(seed)
    trained, drawn, others = (rng.random((n, 2)) for n in (designs, 2000, 2000))
    trained, drawn, others = map(SPACE.from_unit, (trained, drawn, others))
    own = np.arange(designs) % groups
    held_out = members(rng, trained, groups, each, shared)[own, :, np.arange(designs)]
    fresh = members(rng, drawn, groups, each, shared)
    spread = fit_spread(SPACE, drawn, fresh.mean(axis=1))
    fitted = calibrate(held_out, np.zeros(designs), spread.at(trained), fresh, spread.at(drawn))
    error = np.abs(members(rng, others, groups, each, shared).mean(axis=(0, 1)))
    held = error <= np.asarray(fitted.half_width(jnp.asarray(spread.at(others))))
    hard = scale(others) > np.median(scale(others))
    return [held.mean(), held[~hard].mean(), held[hard].mean()]


@pytest.mark.parametrize(
    ("groups", "each", "shared"), [(4, 1, 0.8), (4, 1, 0.4), (4, 2, 0.5), (2, 2, 2.0)]
)
def test_the_mean_of_all_is_covered_as_stated(groups: int, each: int, shared: float) -> None:
    """Whether members err together or each for itself; overall, and where errors are small or large."""
    mean = np.mean([coverage(seed, groups, each, shared) for seed in range(6)], axis=0)
    np.testing.assert_allclose(mean, 0.9, atol=0.03)


def test_without_the_correction_it_would_be_too_wide() -> None:
    """The quantile of single members' errors holds far more than it says: what ρ is for."""
    rng = np.random.default_rng(0)
    designs = SPACE.from_unit(rng.random((2000, 2)))
    errors = members(rng, designs, 4, 1, 0.3)[:, 0] / scale(designs)
    single = np.quantile(np.abs(errors[0]), 0.9)
    assert np.mean(np.abs(errors.mean(axis=0)) <= single) > 0.96


def test_held_out_designs_that_are_harder_widen_intervals_less() -> None:
    """Members of a group disagree more there: that excess is taken off."""
    rng = np.random.default_rng(3)
    designs, drawn = (SPACE.from_unit(rng.random((n, 2))) for n in (3000, 3000))
    held_out = 1.3 * members(rng, designs, 4, 2, 0.8)[np.arange(3000) % 4, :, np.arange(3000)]
    fresh = members(rng, drawn, 4, 2, 0.8)

    def width(held_out: np.ndarray, fresh: np.ndarray) -> float:
        fitted = calibrate(held_out, np.zeros(3000), scale(designs), fresh, scale(drawn))
        return float(np.median(fitted.ratios))

    unseen = width(held_out.mean(axis=1, keepdims=True), fresh.mean(axis=1, keepdims=True))
    assert width(held_out / 1.3, fresh) < width(held_out, fresh) < 0.97 * unseen


def test_the_spread_is_learned_and_its_slope_right() -> None:
    rng = np.random.default_rng(1)
    drawn = SPACE.from_unit(rng.random((2000, 2)))
    spread = fit_spread(SPACE, drawn, scale(drawn) * rng.normal(size=(8, 2000)))
    others = SPACE.sobol(64, seed=1)
    ratio = spread.at(others) / scale(others)
    assert ratio.max() / ratio.min() < 1.3
    design = jnp.asarray(others[3])
    slope = jax.jit(jax.grad(spread))(design)[0] * 0.25
    np.testing.assert_allclose(slope / spread.at(others)[3], 2 * 1.15, rtol=0.15)
    again = Spread.from_saved(SPACE, spread.to_arrays())
    np.testing.assert_array_equal(again.at(others), spread.at(others))
    with pytest.raises(InputError, match="two groups of members"):
        fit_spread(SPACE, drawn, np.ones((1, 2000)))


def test_half_widths_are_smooth_and_the_same_when_read_again() -> None:
    fitted = Calibration(0.9, np.array([1e-3, 1e-2]), np.array([2.0, 4.0]), 0.8)
    again = Calibration.from_dict(json.loads(json.dumps(fitted.to_dict())))
    spreads = jnp.asarray([1e-4, 1e-3, 10**-2.5, 1e-2, 1e-1])
    expected = np.array([2e-4, 2e-3, 8**0.5 * 10**-2.5, 4e-2, 0.4])
    np.testing.assert_allclose(again.half_width(spreads), expected, rtol=1e-6)
    assert fitted.half_width(spreads.astype("float32")).dtype == "float32"


def test_an_independent_error_widens_as_much_as_it_must() -> None:
    rng, z = np.random.default_rng(0), 1.6449  # 90 % of normal errors lie within z deviations
    alone = Calibration(0.9, np.array([1.0]), np.array([z * 0.3]), 1.0)
    width = alone.beside(z * 0.4).half_width(jnp.asarray(1.0))
    error = rng.normal(0, 0.3, 20_000) + rng.normal(0, 0.4, 20_000)
    assert np.mean(np.abs(error) <= float(width)) == pytest.approx(0.9, abs=0.01)


def test_what_cannot_calibrate_is_refused() -> None:
    one = np.ones(20)
    fresh = np.ones((2, 1, 30))
    with pytest.raises(InputError, match=r"interval of 90% needs 9 held-out designs; received: 5"):
        calibrate(one[:5, None], one[:5], one[:5], fresh, np.ones(30))
    with pytest.raises(InputError, match="finite predictions and spreads above 0"):
        calibrate(one[:, None], np.full(20, np.nan), one, fresh, np.ones(30))
    with pytest.raises(InputError, match="spreads above 0"):
        calibrate(one[:, None], one, 0 * one, fresh, np.ones(30))


def test_perfect_members_have_no_width() -> None:
    fitted = calibrate(np.ones((20, 1)), np.ones(20), np.ones(20), np.ones((2, 1, 30)), np.ones(30))
    assert fitted.half_width(jnp.ones(3)).max() < 1e-30
