import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from electrograd.physics.channels import Channel, ChannelShape, Vascular, vascular
from electrograd.physics.charge import (
    LOSSES,
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    OBSERVABLES,
    VOLTAGE,
    End,
)
from electrograd.physics.errors import InputError
from electrograd.physics.resolved import Resolved
from electrograd.physics.resolved_mesh import MeshSettings, unit_cell
from electrograd.physics.resolved_model import (
    NEGATIVE_REACTION,
    POSITIVE_REACTION,
    RESOLVED_OBSERVABLES,
    SALT,
    SEPARATOR_FACE,
    SOLID_LITHIUM,
)

NEGATIVE, SEPARATOR, POSITIVE = 67e-6, 12e-6, 60e-6
POROSITY, EXPONENT = 0.33, 1.5
START = (0.03, 0.90)
NOMINAL = 40.78
CURRENT = 3 * NOMINAL
COARSE = MeshSettings(negative=10, separator=3, positive=8, channel=1, matrix=4, radial=8)


def chen(**changes: float):
    import pybamm

    values = pybamm.ParameterValues("Chen2020")
    values.update(
        {
            "Negative electrode thickness [m]": NEGATIVE,
            "Positive electrode thickness [m]": POSITIVE,
            "Negative electrode porosity": POROSITY,
            "Negative electrode active material volume fraction": 0.95 * (1 - POROSITY),
            "Positive electrode active material volume fraction": 0.95 * (1 - 0.335),
            "Negative electrode Bruggeman coefficient (electrolyte)": EXPONENT,
            "Negative particle radius [m]": 3e-6,
        }
    )
    values.update(changes)
    return values


def charge(values=None, *channels, current: float = CURRENT, limit: float = 1.1 * NOMINAL, **options):
    model = Resolved(values if values is not None else chen(), *channels, **options)
    return model.charge(current, START, limit, NOMINAL)


def plain(values, points: int = 40):
    """PyBaMM's own P2D with the particles' mesh of the default settings."""
    import pybamm

    mesh = MeshSettings()
    values.update(
        {
            "Current function [A]": -CURRENT * 0.065 * 1.58,
            "Initial concentration in negative electrode [mol.m-3]": START[0] * 33133.0,
            "Initial concentration in positive electrode [mol.m-3]": START[1] * 63104.0,
        }
    )
    model = pybamm.lithium_ion.DFN()
    crowded = {"side": "right", "stretch": mesh.radial_stretch}
    particle = pybamm.MeshGenerator(pybamm.Exponential1DSubMesh, crowded)
    return pybamm.Simulation(
        model,
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8),
        submesh_types={
            **model.default_submesh_types,
            **dict.fromkeys(("negative particle", "positive particle"), particle),
        },
        var_pts={
            **dict.fromkeys(("x_n", "x_s", "x_p"), points),
            **dict.fromkeys(("r_n", "r_p"), mesh.radial),
        },
    ).solve([0, 3600 * 1.1 * NOMINAL / CURRENT])


def accepted(solution) -> float:
    return float(solution.t[-1]) / 3600 * CURRENT


def test_a_hexagon_becomes_a_circle_of_its_area() -> None:
    hole = Channel("hole", 80e-6, 20e-6, 50e-6)
    assert math.pi * hole.half_cell**2 == pytest.approx(math.sqrt(3) / 2 * (80e-6) ** 2)
    assert float(hole.area_fraction(np.array(10e-6))) == pytest.approx(
        math.pi * (10e-6) ** 2 / (math.sqrt(3) / 2 * (80e-6) ** 2)
    )
    assert float(hole.area_fraction(np.array(51e-6))) == 0.0


shares = st.floats(0.05, 0.95)


@given(
    shape=st.sampled_from(["slit", "hole"]),
    top=shares,
    bottom=shares,
    depth=shares,
    pitch=st.floats(20e-6, 200e-6),
)
def test_volumes_of_the_mesh_are_those_of_the_channel(
    shape: str, top: float, bottom: float, depth: float, pitch: float
) -> None:
    """Against the body's own volume by throwing points at it, and against the closed form."""
    unit = Channel(shape, pitch, 1e-9, 1e-9).half_cell
    channel = Channel(shape, pitch, 2 * unit * top, depth * NEGATIVE, 2 * unit * bottom)
    cell = unit_cell((NEGATIVE, SEPARATOR, POSITIVE), channel, None, COARSE)
    volumes = cell.whole.cell_volumes
    assert volumes.sum() == pytest.approx(NEGATIVE + SEPARATOR + POSITIVE, rel=1e-12)
    meshed = volumes[(cell.electrode == 0) & (cell.content == 1)].sum() / NEGATIVE
    assert meshed == pytest.approx(channel.volume_fraction(NEGATIVE), rel=1e-9)
    points = np.random.default_rng(0).random((2, 20_000))
    lateral = points[1] if shape == "slit" else np.sqrt(points[1])  # even over the area
    inside = channel.inside(points[0] * NEGATIVE, lateral * unit)
    assert meshed == pytest.approx(inside.mean(), abs=0.02)


def test_closure_in_every_control_volume() -> None:
    shape = vascular("slit", 100e-6)
    model = Resolved(chen(), shape, profiles={"negative": lambda s: 0.25 + 0.1 * s}, mesh=COARSE)
    here = model.cell.electrode == 0
    solids = model.fields.active[here] / 0.95
    partly = (model.cell.content[here] > 0) & (model.cell.content[here] < 1)
    assert partly.sum() > 10
    c, s = model.cell.content[here], model.cell.depth_share[here]
    np.testing.assert_allclose(solids, (1 - c) * (0.75 - 0.1 * s), atol=1e-12)
    np.testing.assert_allclose(model.fields.porosity[here] + solids, 1 - 0.05 * c, atol=1e-12)


def test_vascular_branches_grade_with_depth() -> None:
    veins = Vascular(
        branches=2, first_reach=0.5, last_reach=0.9, first_thickness=0.1, last_thickness=0.02
    )
    depth, lateral = np.full(3, 0.3), np.array([0.1, 0.45, 0.55])
    np.testing.assert_array_equal(veins(depth, lateral), [1, 1, 0])  # the first branch's middle
    np.testing.assert_array_equal(veins(depth + 0.04, lateral), [1, 1, 0])
    np.testing.assert_array_equal(veins(2 * depth, lateral), [1, 1, 1])  # the last one's
    np.testing.assert_array_equal(veins(2 * depth + 0.04, lateral), [1, 0, 0])
    np.testing.assert_array_equal(veins(np.full(3, 0.95), lateral), [0, 0, 0])


def test_no_channel_is_plain_p2d() -> None:
    """Capacity, margin and each part of the voltage's loss, to the difference of the two meshes."""
    solution, record = plain(chen()), charge()
    assert set(record.observables) == {*OBSERVABLES, *RESOLVED_OBSERVABLES}
    assert record.accepted == pytest.approx(accepted(solution), rel=2e-3)
    ours = record.plating_margin
    assert ours == pytest.approx(solution[NEGATIVE_POTENTIAL].entries.min(), abs=1e-3)
    half = 0.5 * record.accepted / CURRENT * 3600
    for name in (*LOSSES, VOLTAGE):
        value = np.interp(half, record.observables["Time [s]"], record.observables[name])
        assert value == pytest.approx(float(solution[name](half)), abs=1e-3), name
    total = sum(record.observables[name] for name in LOSSES)
    np.testing.assert_allclose(total, record.observables[VOLTAGE], atol=1e-10)


def test_a_vanishing_channel_leaves_plain_p2d() -> None:
    truth = accepted(plain(chen()))
    for shape in ("slit", "hole"):
        record = charge(chen(), Channel(shape, 60e-6, 6e-8, NEGATIVE))
        assert record.accepted == pytest.approx(truth, rel=2e-3)


def test_a_small_pitch_is_the_homogenised_electrode() -> None:
    """Plain P2D with the mean porosity, and the exponent that gives the mean transport."""
    share, channel = 0.2, 0.95
    mean = share * channel + (1 - share) * POROSITY
    transport = share * channel**EXPONENT + (1 - share) * POROSITY**EXPONENT
    homogenised = chen(
        **{
            "Negative electrode porosity": mean,
            "Negative electrode active material volume fraction": (1 - share) * 0.95 * (1 - POROSITY),
            "Negative electrode Bruggeman coefficient (electrolyte)": math.log(transport)
            / math.log(mean),
        }
    )
    truth = accepted(plain(homogenised))
    slit = charge(chen(), Channel("slit", 4e-6, 0.8e-6, NEGATIVE))
    cell = Channel("hole", 4e-6, 1e-6, NEGATIVE).half_cell
    hole = charge(chen(), Channel("hole", 4e-6, 2 * cell * math.sqrt(share), NEGATIVE))
    assert slit.accepted == pytest.approx(truth, rel=5e-3)
    assert hole.accepted == pytest.approx(truth, rel=5e-3)
    wide = charge(chen(), Channel("slit", 200e-6, 40e-6, NEGATIVE))
    assert wide.accepted < 0.98 * truth  # a guard that pitch matters here


def test_a_graded_matrix_is_graded_p2d() -> None:
    def porosity(x, y=None, z=None):
        return 0.40 - 0.15 * (1 - x / NEGATIVE)

    def active(x, y=None, z=None):
        return 0.95 * (1 - porosity(x))

    graded = chen()
    graded["Negative electrode porosity"] = porosity
    graded["Negative electrode active material volume fraction"] = active
    record = charge(chen(), profiles={"negative": lambda s: 0.40 - 0.15 * s})
    truth = accepted(plain(graded))
    assert record.accepted == pytest.approx(truth, rel=2e-3)
    assert abs(truth / accepted(plain(chen())) - 1) > 5e-3


def test_three_dimensions_agree_with_two() -> None:
    """The same slit to the solver's tolerance; square holes in a square array nearly round ones."""
    slit = Channel("slit", 100e-6, 20e-6, 0.7 * NEGATIVE, 8e-6)
    flat, solid = (charge(chen(), slit, mesh=COARSE, solid=s) for s in (False, True))
    assert solid.accepted == pytest.approx(flat.accepted, rel=1e-5)
    assert solid.plating_margin == pytest.approx(flat.plating_margin, abs=1e-5)
    hole = Channel("hole", 100e-6, 45e-6, NEGATIVE)
    round_, square = (charge(chen(), hole, mesh=COARSE, solid=s) for s in (False, True))
    assert square.accepted == pytest.approx(round_.accepted, rel=2e-3)
    assert square.plating_margin == pytest.approx(round_.plating_margin, abs=1e-3)


def test_aligned_and_painted_channels_agree() -> None:
    """A wall on the mesh's faces, and the same wall averaged into the cells."""
    aligned = charge(chen(), Channel("slit", 80e-6, 14e-6, 0.8 * NEGATIVE))
    painted = charge(
        chen(), ChannelShape("slit", 80e-6, lambda s, z: ((z < 0.175) & (s < 0.8)).astype(float))
    )
    assert painted.accepted == pytest.approx(aligned.accepted, rel=3e-3)
    assert painted.plating_margin == pytest.approx(aligned.plating_margin, abs=1.5e-3)


def test_channels_table() -> None:
    """A value measured by others on PyBaMM's own model, with the channel painted in: 21.89 A.h.m-2."""
    import pybamm

    values = pybamm.ParameterValues("OKane2022")
    values.update(
        {
            "Negative electrode thickness [m]": 85e-6,
            "Positive electrode thickness [m]": 75e-6,
            "Negative electrode porosity": 0.25,
        }
    )
    mesh = MeshSettings(16, 16, 16, 2, 6, 12, 0.0, 1.0, 1)
    slit = ChannelShape("slit", 100e-6, lambda s, z: 1 / (1 + np.exp(-200 * (0.2 - z))))
    model = Resolved(values, slit, mesh=mesh, active_floor=1e-3)
    record = model.charge(2 * 48.69, (0.0478, 0.8397), 60.0, 48.69)
    assert record.end is End.VOLTAGE_CUT_OFF
    assert record.accepted == pytest.approx(21.89, rel=0.02)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["slit", "hole", "solid", "both"]),
    pitch=st.floats(20e-6, 200e-6),
    width=st.floats(0.05, 0.6),
    taper=st.floats(0.3, 1.5),
    depth=st.floats(0.3, 1.0),
    porosity=st.floats(0.28, 0.45),
    rate=st.floats(2.0, 4.0),
)
def test_lithium_salt_and_charge_are_conserved(
    kind: str, pitch: float, width: float, taper: float, depth: float, porosity: float, rate: float
) -> None:
    shape = "hole" if kind == "hole" else "slit"
    channel = Channel(shape, pitch, width * pitch, depth * NEGATIVE, width * taper * pitch)
    second = Channel(shape, pitch, 0.4 * width * pitch, 0.5 * POSITIVE) if kind == "both" else None
    values = chen(**{"Negative electrode porosity": porosity})
    current = rate * NOMINAL
    record = charge(values, channel, second, current=current, mesh=COARSE, solid=kind == "solid")
    assert record.end.completed
    assert record.charge.size > 20
    seen = record.observables
    for name in (SOLID_LITHIUM, SALT):
        np.testing.assert_allclose(seen[name], seen[name][0], rtol=1e-6)
    np.testing.assert_allclose(seen[NEGATIVE_REACTION], -current, rtol=1e-6)
    np.testing.assert_allclose(seen[POSITIVE_REACTION], current, rtol=1e-6)


def test_the_plating_margin_is_taken_at_the_walls_too() -> None:
    """In a wide cell the foot of the wall, where matrix is far from any other channel, is ahead."""
    record = charge(chen(), Channel("slit", 120e-6, 30e-6, NEGATIVE))
    assert record.plating_margin < record.observables[SEPARATOR_FACE].min() - 5e-4
    narrow = charge(chen(), Channel("slit", 6e-6, 1.2e-6, NEGATIVE))
    assert narrow.plating_margin == pytest.approx(narrow.observables[SEPARATOR_FACE].min(), abs=2e-4)


def test_ends() -> None:
    slit = Channel("slit", 100e-6, 20e-6, NEGATIVE)
    target = charge(chen(), slit, limit=2.0, mesh=COARSE)
    assert target.end is End.CHARGE_TARGET
    assert target.accepted == pytest.approx(2.0, rel=1e-9)
    full = charge(chen(), slit, upper_voltage=6.0, mesh=COARSE)
    assert full.end is End.VOLTAGE_CUT_OFF
    assert full.observables[NEGATIVE_SURFACE].max() > 0.999
    (found, *_) = full.saturations
    assert found.side == "negative"
    assert found.depth < 0.3
    at_once = charge(chen(), slit, upper_voltage=2.6, mesh=COARSE)
    assert at_once.end is End.VOLTAGE_CUT_OFF  # it is above that at rest
    assert at_once.accepted == 0


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Channel("slit", 20e-6, 20e-6, 10e-6), "narrower than its pitch"),
        (lambda: Channel("slit", 20e-6, 0.0, 10e-6), "width must be positive"),
        (lambda: Channel("slit", math.nan, 5e-6, 10e-6), "pitch must be positive"),
        (lambda: Channel("slot", 20e-6, 5e-6, 10e-6), "nearest valid: slit"),
        (lambda: charge(chen(), Channel("slit", 20e-6, 5e-6, 68e-6)), "deeper than its electrode"),
        (
            lambda: charge(
                chen(), Channel("slit", 20e-6, 5e-6, 9e-6), Channel("slit", 30e-6, 5e-6, 9e-6)
            ),
            "one shape and pitch",
        ),
        (lambda: charge(chen(), ChannelShape("slit", 20e-6, lambda s, z: s + z)), "within 0 and 1"),
        (lambda: charge(chen(), profiles={"negative": lambda s: s + 0.5}), "porosity must lie within"),
        (
            lambda: charge(chen(), ChannelShape("slit", 5e-5, lambda s, z: 1.0 * (abs(s - 0.5) < 0.2))),
            "connected to its current collector",
        ),
        (lambda: MeshSettings(negative=3), "at least 4"),
        (lambda: charge(chen(), vascular("hole", 5e-5), solid=True), "three dimensions"),
        (lambda: Vascular(first_reach=1.2), "first_reach is a share"),
    ],
)
def test_bad_input_is_refused_before_any_solve(build, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()
