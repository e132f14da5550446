"""Graded porosity and channels: geometry, closure, means, and what cannot be built."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.structure import ElectrodeStructure, Structure
from electrograd.physics.variables import (
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    channel_depth,
    channel_pitch,
    channel_taper,
    channel_width,
    knot_porosity,
    layer_porosity,
    layer_share,
)

SLIT = {channel_pitch("negative"): 100e-6, channel_width("negative"): 0.2}
LAYERS = {layer_porosity("negative", k): value for k, value in enumerate((0.45, 0.3, 0.2), start=1)}


def cells(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count


def built(cell: Cell, design: dict[str, float], **kinds: str) -> Cell:
    return Cell.load(cell.source, Structure.of(design, **kinds))


def test_knots_are_a_natural_spline() -> None:
    electrode = ElectrodeStructure("negative", knots=4)
    values = dict(zip(electrode.variables, (0.5, 0.3, 0.4, 0.2), strict=True))
    truth = CubicSpline(np.linspace(0, 1, 4), list(values.values()), bc_type="natural")
    found = electrode.coating_porosity(values, cells(20), 1 / 20, np.minimum)
    np.testing.assert_allclose(found, [20 * truth.integrate(x - 0.025, x + 0.025) for x in cells(20)])


def test_a_layer_may_end_inside_a_control_volume() -> None:
    electrode = ElectrodeStructure("positive", layers=2)
    values = {
        layer_porosity("positive", 1): 0.5,
        layer_porosity("positive", 2): 0.2,
        layer_share("positive", 1): 0.475,
    }
    found = electrode.coating_porosity(values, cells(10), 0.1, np.minimum)
    np.testing.assert_allclose(found, [0.5] * 4 + [0.2 + 0.3 * 0.75] + [0.2] * 5)


@pytest.mark.parametrize("shape", ["slit", "hole"])
def test_area_share_of_tapered_channels(shape: str) -> None:
    electrode = ElectrodeStructure("negative", channel=shape)
    values = {
        channel_pitch("negative"): 1e-4,
        channel_width("negative"): 0.4,
        channel_taper("negative"): 0.25,
        channel_depth("negative"): 0.6,
    }
    fine = electrode.channel_share(values, cells(4000), 1 / 4000, np.minimum)
    width = 0.4 * np.where(cells(4000) < 0.6, 1 - 0.75 * cells(4000) / 0.6, 0)
    # A hexagon of width p across its flats has the area √3/2 p².
    share = width if shape == "slit" else np.pi / 4 * width**2 / (np.sqrt(3) / 2)
    np.testing.assert_allclose(fine, share, atol=3e-4)
    coarse = electrode.channel_share(values, cells(7), 1 / 7, np.minimum)
    assert coarse.mean() == pytest.approx(fine.mean(), rel=1e-12)


porosities = st.lists(st.floats(0.15, 0.6), min_size=2, max_size=5)


@settings(max_examples=25)
@given(porosities, st.floats(0, 0.4), st.floats(0.3, 1), st.sampled_from(["ablated", "conserved"]))
def test_fractions_close_and_means_agree(
    values: list[float], width: float, depth: float, mass: str
) -> None:
    """ε + ε_active + ε_inactive = 1 in every control volume; the mean is what the capacity counts."""
    design = {knot_porosity("negative", k): value for k, value in enumerate(values, start=1)}
    design |= {**SLIT, channel_width("negative"): width, channel_depth("negative"): depth}
    cell = Cell.load("Ecker2015", Structure.of(design, mass=mass))
    known = {name: float(value) for name, value in cell.parameters(design).items()}
    electrode = cell.structure.negative
    matrix = electrode.matrix_porosity(known, cells(240), 1 / 240, np.minimum)
    channel = electrode.channel_share(known, cells(240), 1 / 240, np.minimum)
    porosity = channel + (1 - channel) * matrix
    share = cell.negative.active_share
    active, inactive = share * (1 - porosity), (1 - share) * (1 - porosity)
    np.testing.assert_allclose(porosity + active + inactive, 1, rtol=1e-14)
    assert known[NEGATIVE_POROSITY] == pytest.approx(porosity.mean(), rel=1e-12)
    assert known[NEGATIVE_ACTIVE] == pytest.approx(active.mean(), rel=1e-12)
    if mass == "conserved":
        plain = {name: value for name, value in design.items() if "channel" not in name}
        uncut = built(cell, plain).parameters(plain)
        assert known[NEGATIVE_ACTIVE] == pytest.approx(float(uncut[NEGATIVE_ACTIVE]), rel=1e-12)


def test_a_mean_given_beside_layers_is_kept(cell: Cell) -> None:
    design = {**LAYERS, NEGATIVE_POROSITY: 0.3}
    assert float(built(cell, design).parameters(design)[NEGATIVE_POROSITY]) == pytest.approx(0.3)
    free = built(cell, LAYERS).parameters(LAYERS)
    assert float(free[NEGATIVE_POROSITY]) == pytest.approx(np.mean(list(LAYERS.values())))


def test_ablation_costs_capacity_and_the_ratio_is_the_coatings(cell: Cell) -> None:
    design = {**SLIT, N_P_RATIO: 1.15}
    slit = built(cell, design)
    cut, whole = slit.parameters(design), cell.parameters({N_P_RATIO: 1.15})
    assert float(cut[NEGATIVE_THICKNESS]) == pytest.approx(float(whole[NEGATIVE_THICKNESS]))
    assert float(cut[NEGATIVE_ACTIVE]) == pytest.approx(0.8 * float(whole[NEGATIVE_ACTIVE]))
    ratio = 1.15 * 0.8  # the negative electrode is the smaller one now
    expected = ratio * float(nominal_capacity(cell, whole))
    assert float(nominal_capacity(slit, cut)) == pytest.approx(expected, rel=1e-9)
    assert float(slit.design_values(cut)[N_P_RATIO]) == pytest.approx(1.15)


def test_the_design_that_says_nothing_is_the_uniform_electrode(cell: Cell) -> None:
    slit = built(cell, {**LAYERS, **SLIT}).parameters({})
    assert float(slit[NEGATIVE_POROSITY]) == pytest.approx(0.25)


def test_capacity_has_gradients_to_geometry(cell: Cell) -> None:
    design = {**LAYERS, **SLIT, channel_depth("negative"): 0.7}
    slit = built(cell, design, shape="hole")

    def capacity(width: jax.Array | float) -> jax.Array:
        return nominal_capacity(slit, slit.parameters({**design, channel_width("negative"): width}))

    step = 1e-5
    central = (capacity(0.2 + step) - capacity(0.2 - step)) / (2 * step)
    assert float(jax.grad(capacity)(0.2)) == pytest.approx(float(central), rel=1e-6)
    assert float(central) < -1


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({**SLIT, channel_width("negative"): 1.2}, "less than its pitch"),
        ({**SLIT, channel_width("negative"): 0.6, channel_taper("negative"): 1.9}, "width at depth"),
        ({**SLIT, channel_depth("negative"): 1.1}, "must end within the negative electrode"),
        ({**LAYERS, layer_share("negative", 1): 0.0}, "must have a thickness"),
        ({**LAYERS, layer_share("negative", 1): 0.5, layer_share("negative", 2): 0.5}, "thickness"),
        ({NEGATIVE_POROSITY: 1.2}, "within [0.05, 0.9]; received: 1.2; nearest valid: 0.9"),
        ({**LAYERS, NEGATIVE_POROSITY: 0.06}, "inside (0, 1)"),
        ({N_P_RATIO: 1.1, NEGATIVE_POROSITY: float("nan")}, "nan"),
    ],
)
def test_what_cannot_be_built_is_refused(cell: Cell, design: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        built(cell, design).check(design)
    assert message in str(caught.value)


def test_mass_that_does_not_fit_between_channels_is_refused(cell: Cell) -> None:
    design = {**SLIT, channel_width("negative"): 0.4}
    with pytest.raises(InputError, match="fractions cannot close"):
        built(cell, design, mass="conserved").check(design)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([layer_porosity("negative", 1)], "count from 1"),
        ([layer_porosity("negative", k) for k in (1, 3)], "nearest valid: layers 1 to 3"),
        ([*LAYERS, knot_porosity("negative", 1), knot_porosity("negative", 2)], "layers or by knots"),
        ([channel_pitch("positive")], "its pitch and its width"),
    ],
)
def test_names_must_describe_a_structure(names: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Structure.of(names)
    assert message in str(caught.value)


def test_a_design_must_be_of_the_cells_structure(cell: Cell) -> None:
    with pytest.raises(InputError, match="of the cell's structure"):
        cell.parameters(SLIT)


def test_a_structured_cell_travels_as_json(cell: Cell) -> None:
    slit = built(cell, SLIT, shape="hole")
    assert Cell.from_dict(slit.to_dict()) == slit
