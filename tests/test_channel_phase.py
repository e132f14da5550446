import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from electrograd.physics.cell import FARADAY, Cell
from electrograd.physics.channel_grid import BELOW, BESIDE, POSITIVE, SEPARATOR, ChannelMesh, Grid
from electrograd.physics.channel_phase import ChannelP2D
from electrograd.physics.channels import Channel
from electrograd.physics.charge import (
    LOSSES,
    NEGATIVE_MEAN,
    NEGATIVE_POTENTIAL,
    OBSERVABLES,
    VOLTAGE,
    Charge,
    End,
)
from electrograd.physics.errors import InputError
from electrograd.physics.p2d import P2D
from electrograd.physics.resolved import Resolved
from electrograd.physics.resolved_model import SALT, SEPARATOR_FACE, SOLID_LITHIUM
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.spectral import even, line
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    CHANNEL_NAMES,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_SHARE,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_SHARE,
    POSITIVE_THICKNESS,
)

NAMES = [name("negative") for name in CHANNEL_NAMES]
PLAIN = {
    N_P_RATIO: 1.15,
    POSITIVE_THICKNESS: 60e-6,
    NEGATIVE_POROSITY: 0.33,
    "Negative particle radius [m]": 3e-6,
}
FIXED = {NEGATIVE_SHARE: 0.95, POSITIVE_SHARE: 0.95}
SCENARIO = Scenario(c_rate=3.0, rate_of="coatings")
SHAPES = ("slit", "hole")
ENTRIES = {"slit": Structure.of(NAMES), "hole": Structure.of(NAMES, shape="hole")}
CELLS = {shape: Cell.load("Chen2020", built).with_fixed(FIXED) for shape, built in ENTRIES.items()}
FINE = ChannelMesh(beside=(4.0, 3.0, 2.0, 1.0), positive=(1.0, 2.0, 3.0), positive_radial=6)


def design(pitch: float, width: float, taper: float, depth: float) -> dict[str, float]:
    return PLAIN | dict(zip(NAMES, (pitch, width, taper, depth), strict=True))


@pytest.fixture(scope="module")
def models() -> dict[str, ChannelP2D]:
    names = (*OBSERVABLES, SOLID_LITHIUM, SALT, SEPARATOR_FACE)
    return {s: ChannelP2D(CELLS[s], SCENARIO, SolverSettings(), names) for s in SHAPES}


def same(ours: Charge, truth: Charge, share: float, volts: float) -> None:
    assert ours.end is truth.end
    assert ours.accepted == pytest.approx(truth.accepted, rel=share)
    assert ours.plating_margin == pytest.approx(truth.plating_margin, abs=volts)


@pytest.mark.parametrize(
    ("shape", "channel"),
    [
        ("slit", design(2e-6, 0.2, 1.0, 0.8)),
        ("slit", design(2e-6, 0.3, 0.4, 1.0)),
        ("hole", design(2e-6, 0.5, 1.0, 1.0)),
        ("hole", design(2e-6, 0.6, 0.3, 0.7)),
    ],
)
def test_a_small_pitch_is_the_homogenised_p2d(models, shape: str, channel: dict[str, float]) -> None:
    parameters = CELLS[shape].parameters(channel)
    truth = P2D(CELLS[shape], SCENARIO, SolverSettings(points=50)).charge(parameters)
    ours = models[shape].charge(parameters)
    same(ours, truth, 1e-3, 5e-4)
    half = truth.accepted / 2
    for name in (*LOSSES, VOLTAGE):
        values = [float(np.interp(half, c.charge, c.observables[name])) for c in (ours, truth)]
        assert values[0] == pytest.approx(values[1], abs=1.5e-3), name


@pytest.mark.parametrize("shape", SHAPES)
def test_a_narrow_channel_leaves_the_plain_p2d(shape: str) -> None:
    """Another structure, without channels, and the same areal current."""
    plain = Cell.load("Chen2020").with_fixed(FIXED)
    truth = P2D(plain, SCENARIO, SolverSettings(points=80)).charge(plain.parameters(PLAIN))
    fine = ChannelP2D(CELLS[shape], SCENARIO, SolverSettings(), mesh=FINE)
    ours = fine.charge(CELLS[shape].parameters(design(60e-6, 1e-3, 1.0, 0.8)))
    same(ours, truth, 1e-3, 5e-4)


@pytest.mark.parametrize(
    ("shape", "channel"),
    [("slit", design(150e-6, 0.25, 0.5, 0.7)), ("hole", design(150e-6, 0.55, 1.0, 0.9))],
)
def test_it_stands_by_the_resolved_model(models, shape: str, channel: dict[str, float]) -> None:
    """Where the homogenised P2D is off by more than 1 % and 5 mV."""
    import pybamm

    cell = CELLS[shape]
    known = {name: float(value) for name, value in cell.parameters(channel).items()}
    ours = models[shape].charge(known)
    pitch, width, taper, depth = (known[name] for name in NAMES)
    length = known[NEGATIVE_THICKNESS]
    values = pybamm.ParameterValues("Chen2020")
    values.update(
        {
            NEGATIVE_THICKNESS: length,
            POSITIVE_THICKNESS: 60e-6,
            NEGATIVE_POROSITY: 0.33,
            NEGATIVE_ACTIVE: 0.95 * 0.67,
            POSITIVE_ACTIVE: known[POSITIVE_ACTIVE],
            "Negative particle radius [m]": 3e-6,
        }
    )
    hole = Channel(shape, pitch, width * pitch, depth * length, width * taper * pitch)
    # The coatings' nominal capacity is the positive electrode's.
    coatings = FARADAY * 60e-6 * known[POSITIVE_ACTIVE] * 63104.0 * 0.63 / 3600
    truth = Resolved(values, hole, channel_porosity=1.0).charge(
        3 * coatings, (0.03, 0.90), 1.1 * ours.nominal, ours.nominal
    )
    same(ours, truth, 3e-3, 1e-3)
    homogenised = P2D(cell, SCENARIO, SolverSettings()).charge(known)
    assert abs(homogenised.accepted / truth.accepted - 1) > 0.01
    assert abs(homogenised.plating_margin - truth.plating_margin) > 5e-3


@settings(max_examples=8, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    pitch=st.floats(20e-6, 200e-6),
    width=st.floats(0.05, 0.6),
    taper=st.floats(0.3, 1.4),
    depth=st.floats(0.3, 0.99),
    rate=st.floats(2.0, 4.0),
)
def test_salt_and_lithium_are_conserved(
    models, shape: str, pitch: float, width: float, taper: float, depth: float, rate: float
) -> None:
    known = CELLS[shape].parameters(design(pitch, width, taper, depth))
    known = {name: float(value) for name, value in known.items()}
    record = models[shape].charge(known, c_rate=rate)
    assert record.end.completed
    seen = record.observables
    for name in (SOLID_LITHIUM, SALT):
        np.testing.assert_allclose(seen[name], seen[name][0], rtol=1e-9)
    # At the start, in closed form.
    negative = known[NEGATIVE_THICKNESS] * known[NEGATIVE_ACTIVE] * 33133.0
    positive = known[POSITIVE_THICKNESS] * known[POSITIVE_ACTIVE] * 63104.0
    assert seen[SOLID_LITHIUM][0] == pytest.approx(0.03 * negative + 0.9 * positive, rel=1e-9)
    pores = known[NEGATIVE_THICKNESS] * known[NEGATIVE_POROSITY] + 12e-6 * 0.47
    pores += known[POSITIVE_THICKNESS] * known[POSITIVE_POROSITY]
    assert seen[SALT][0] == pytest.approx(1000 * pores, rel=1e-9)
    gained = (seen[NEGATIVE_MEAN] - 0.03) * negative * FARADAY / 3600
    np.testing.assert_allclose(gained, record.charge, rtol=1e-6, atol=1e-9)


def test_a_held_potential_holds_at_every_face(models) -> None:
    """A plating-limited charge: the least of walls and separator's face is held, not the face's mean."""
    cell = CELLS["slit"]
    held = Scenario(3.0, plating_potential=0.0, hold_voltage=True, charge_limit=0.7, rate_of="coatings")
    names = (*OBSERVABLES, SEPARATOR_FACE)
    record = ChannelP2D(cell, held, SolverSettings(), names).charge(
        cell.parameters(design(150e-6, 0.25, 1.0, 0.8))
    )
    assert record.end is End.CHARGE_TARGET
    assert record.plating_margin == pytest.approx(0.0, abs=2e-6)
    kept = np.abs(record.observables[NEGATIVE_POTENTIAL]) < 1e-6
    assert kept.sum() > 20
    assert np.all(record.observables[SEPARATOR_FACE][kept] > 1e-3)


def test_discharge(models) -> None:
    """At C/3 channels of any pitch are the homogenised electrode's energy."""
    known = CELLS["slit"].parameters(design(100e-6, 0.2, 1.0, 0.8))
    ours = models["slit"].discharge(known, 1 / 3)
    truth = P2D(CELLS["slit"], SCENARIO, SolverSettings()).discharge(known, 1 / 3)
    assert ours.end is truth.end
    assert ours.energy == pytest.approx(truth.energy, rel=1e-3)


@given(nodes=st.integers(2, 7), power=st.sampled_from([0, 1, 2]))
def test_even_elements_integrate_their_polynomials(nodes: int, power: int) -> None:
    element = even(nodes, power)
    for weights, k in ((element.flat, 0), (element.linear, 1), (element.quadratic, 2)):
        assert weights.sum() == pytest.approx(1 / (k + 1))
    assert np.all((element.flat, element.linear, element.quadratic)[power] > 0)
    # u = s^(2n-2), the highest power: ∫ (du/ds)² s^p ds = (2n-2)² / (4n-5+p)
    slope = (nodes - 1) * element.points ** (2 * nodes - 4)
    energy = float(element.point_weights @ slope**2)
    assert energy == pytest.approx((2 * nodes - 2) ** 2 / (4 * nodes - 5 + power))


def test_a_line_differentiates_across_its_segments() -> None:
    row = line(((1.0,), (2.0, 1.0)), 3)
    np.testing.assert_allclose(row.weights.sum(axis=1), 1.0)
    place = row.local[0] + 3 * row.local[1]  # the second segment is three times as long
    length = np.array([1.0, 3.0])[row.segment]
    at = row.segment + np.array([1.0, 3.0])[row.segment] * row.point_local
    np.testing.assert_allclose(row.slope @ place**3 / length, 3 * at**2, atol=1e-12)
    np.testing.assert_allclose(row.value @ place**3, at**3, atol=1e-12)


@given(
    shape=st.sampled_from(SHAPES),
    width=st.floats(0.02, 0.9),
    taper=st.floats(0.2, 1.05),
    depth=st.floats(0.1, 0.9),
)
def test_volumes_of_the_grid_are_those_of_the_channel(
    shape: str, width: float, taper: float, depth: float
) -> None:
    lengths = (60e-6 * (1 - depth), 60e-6 * depth, 12e-6, 60e-6)
    grid = Grid(ChannelMesh(), shape, 40e-6, width, taper, lengths)
    channel = grid.volumes({BESIDE: (1.0, 0.0)}).evaluate()
    whole = grid.volumes(dict.fromkeys((BELOW, BESIDE, SEPARATOR, POSITIVE), (1.0, 1.0))).evaluate()
    pitch = 80e-6 if shape == "slit" else 40e-6 / Channel("hole", 1.0, 0.1, 1.0).half_cell
    body = Channel(shape, pitch, 80e-6 * width, 60e-6 * depth, 80e-6 * width * taper)
    assert channel.sum() == pytest.approx(60e-6 * body.volume_fraction(60e-6))
    assert whole.sum() == pytest.approx(132e-6)
    assert np.all(whole > 0)


def test_conductances_of_the_grid() -> None:
    """∫ k (∇u)² dV in closed form, of a slope through the cell and of one across it."""
    lengths = (20e-6, 40e-6, 12e-6, 60e-6)
    parts = {BELOW: (1.0, 1.0), BESIDE: (5.0, 1.0), SEPARATOR: (2.0, 2.0), POSITIVE: (3.0, 3.0)}
    half, width = 40e-6, 0.3
    grid = Grid(ChannelMesh(), "slit", half, width, 1.0, lengths)
    weight = grid.conductances(parts).evaluate().ravel()

    def energy(u: np.ndarray) -> float:
        return float(weight @ (grid.slope @ u) ** 2)

    row = line(((1.0,), (2.0, 1.0), (1.0,), (1.0, 2.0)), 3)
    through = np.repeat(np.array(lengths) @ row.local, grid.columns)
    truth = 20e-6 + 40e-6 * (5 * width + 1 - width) + 2 * 12e-6 + 3 * 60e-6
    assert energy(through) == pytest.approx(truth)
    # z² in the channel, and from its wall on the same slope falling to none in the middle.
    inner = np.array([np.sqrt(0.2), 1.0]) * width * half
    squares = np.array([1.0, 0.58530965, 0.08135702])[1:]
    gap = (1 - width) * half
    fall = width * half / gap
    outer = (width * half) ** 2 + fall * gap**2 * (1 - squares)
    across = np.tile(np.concatenate([inner**2, outer]), grid.levels)
    channel = 4 * (width * half) ** 3 / 3 / half
    around = 4 * fall**2 * gap**3 / 3 / half
    truth = (20e-6 + 5 * 40e-6 + 24e-6 + 180e-6) * channel + (60e-6 + 24e-6 + 180e-6) * around
    assert energy(across) == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ChannelP2D(Cell.load("Chen2020"), SCENARIO, SolverSettings()), "matrix uniform"),
        (
            lambda: ChannelP2D(CELLS["slit"], Scenario(1.0, cooling=10.0), SolverSettings()),
            "isothermal",
        ),
        (
            lambda: ChannelP2D(CELLS["slit"], SCENARIO, SolverSettings(), channel_porosity=1.2),
            "porosity must lie",
        ),
        (lambda: ChannelMesh(beside=()), "lengths above 0"),
        (lambda: ChannelMesh(matrix=1), "at least 2"),
    ],
)
def test_bad_input_is_refused(build, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()


def test_a_channel_without_width_is_refused(models) -> None:
    with pytest.raises(InputError, match="above 0"):
        models["slit"].charge(CELLS["slit"].parameters(design(50e-6, 0.0, 1.0, 0.8)))
