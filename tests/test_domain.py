"""Inside or outside the trained domain: smooth, never clipped, and it sees edges and gaps."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from electrograd.physics.errors import InputError
from electrograd.physics.variables import N_P_RATIO, NEGATIVE_POROSITY, POSITIVE_THICKNESS
from electrograd.surrogates.domain import Domain, coordinates
from electrograd.sweeps.space import DesignSpace

RADIUS = "Negative particle radius [m]"
SPACE = DesignSpace.from_bounds(
    {
        N_P_RATIO: (1.05, 1.3),
        POSITIVE_THICKNESS: (40e-6, 100e-6),
        NEGATIVE_POROSITY: (0.2, 0.5),
        RADIUS: {"log": (1e-6, 1e-5)},
    }
)
LOWER, UPPER = np.array(SPACE.lower), np.array(SPACE.upper)


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.from_designs(SPACE, SPACE.sobol(256, seed=1))


def test_most_designs_of_the_box_are_inside_and_all_beyond_it_outside(domain: Domain) -> None:
    others = SPACE.sobol(1024, seed=9)
    measures = domain.measures(others)
    assert np.mean(measures > 1) < 0.02
    assert np.median(measures) < 0.2
    width = UPPER - LOWER
    for k in range(len(SPACE)):
        beyond = others.copy()
        beyond[:, k] = UPPER[k] * 10**0.2 if k == 3 else UPPER[k] + 0.2 * width[k]
        assert not domain.inside(beyond).any()


def test_it_grows_without_end_and_its_gradient_leads_back(domain: Domain) -> None:
    centre = np.sqrt(LOWER * UPPER)
    way = np.linspace(1.0, 50.0, 40)[:, None] * (UPPER - centre) + centre
    measures = domain.measures(way)
    assert np.all(np.diff(measures) > 0)
    assert np.isfinite(measures).all()
    slope = jax.jit(jax.grad(domain.measure))(jnp.asarray(way[-1])) * (UPPER - LOWER)
    assert np.all(slope > 0)


def test_its_gradient_is_the_differences(domain: Domain) -> None:
    width = UPPER - LOWER
    designs = SPACE.sobol(16, seed=3) + 0.3 * width * np.array([[1, -1, 0, 1]])
    slope = np.asarray(jax.jit(jax.vmap(jax.grad(domain.measure)))(jnp.asarray(designs))) * width
    for k in range(len(SPACE)):
        step = 1e-5 * width * np.eye(len(SPACE))[k]
        change = (domain.measures(designs + step) - domain.measures(designs - step)) / 2e-5
        np.testing.assert_allclose(slope[:, k], change, rtol=1e-4, atol=1e-6)


def test_a_slab_without_data_is_seen() -> None:
    designs = SPACE.sobol(512, seed=1)
    data = designs[np.abs(coordinates(SPACE, designs)[:, 2]) > 0.25]
    domain = Domain.from_designs(SPACE, data)
    others = SPACE.sobol(1024, seed=9)
    place = np.abs(coordinates(SPACE, others)[:, 2])
    assert np.mean(domain.inside(others[place < 0.1])) < 0.05
    assert np.mean(domain.inside(others[place > 0.3])) > 0.97


def test_a_hole_without_data_is_seen() -> None:
    """Designs that failed, in a corner of three variables, are not known."""

    def corner(designs: np.ndarray, beyond: float) -> np.ndarray:
        return np.all(coordinates(SPACE, designs)[:, :3] > beyond, axis=1)

    designs = SPACE.sobol(2048, seed=1)
    domain = Domain.from_designs(SPACE, designs[~corner(designs, 0.1)])
    others = SPACE.sobol(2048, seed=9)
    assert np.mean(domain.inside(others[corner(others, 0.6)])) < 0.1
    assert np.mean(domain.inside(others[~corner(others, 0.1)])) > 0.97


def test_the_nearest_design_inside_is_told(domain: Domain) -> None:
    names = SPACE.names
    within = domain.validity(dict(zip(names, SPACE.sobol(1, seed=4)[0].tolist(), strict=True)))
    assert within.inside
    outside = {**within.nearest, N_P_RATIO: 1.9, RADIUS: 5e-8}
    told = domain.validity(outside)
    assert not told.inside
    assert told.measure > 1
    assert domain.inside(np.array([[told.nearest[name] for name in names]])).all()
    assert told.nearest[N_P_RATIO] == pytest.approx(1.3, abs=0.06)
    with pytest.raises(InputError, match=r"every variable.*add \['N/P ratio'\]"):
        domain.validity({name: value for name, value in outside.items() if name != N_P_RATIO})


def test_it_is_the_same_when_read_again_and_in_single_precision(domain: Domain) -> None:
    again = Domain.from_saved(SPACE, domain.to_arrays(), json.loads(json.dumps(domain.to_dict())))
    designs = SPACE.sobol(64, seed=2)
    np.testing.assert_array_equal(again.measures(designs), domain.measures(designs))
    single = domain.measures(designs.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, domain.measures(designs), atol=2e-3)


def test_what_is_no_number_is_not_inside(domain: Domain) -> None:
    designs = np.repeat(SPACE.sobol(1, seed=4), 3, axis=0)
    designs[1, 2] = np.nan
    assert domain.inside(designs).tolist() == [True, False, True]
    with pytest.raises(InputError, match="must be finite"):
        Domain.from_designs(SPACE, designs)
    with pytest.raises(InputError, match=r"eight distinct.*received: 3"):
        Domain.from_designs(SPACE, np.repeat(designs[[0, 2, 2]] * [[1.0], [0.98], [0.99]], 4, axis=0))
