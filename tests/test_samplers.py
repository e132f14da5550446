"""Spaces and samplers: what is drawn is what was asked for, and the same again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.analyze import fast, morris, sobol

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    C_RATE,
    CHANNEL_MASS,
    CHANNEL_SHAPE,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    POSITIVE_THICKNESS,
    channel_width,
)
from electrograd.sweeps.axis import Axis
from electrograd.sweeps.points import read_points
from electrograd.sweeps.samplers import Sampler, morris_levels
from electrograd.sweeps.space import DesignSpace, check_box

BOX = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.2, 0.5)})
RADIUS = "Negative particle radius [m]"
MIXED = DesignSpace.from_bounds(
    {
        NEGATIVE_POROSITY: (0.2, 0.5),
        RADIUS: {"log": [1e-6, 1e-5]},
        C_RATE: {"integer": [1, 4]},
        POSITIVE_THICKNESS: {"choices": [50e-6, 40e-6, 80e-6]},
        CHANNEL_SHAPE: {"choices": ["hole", "slit"]},
    }
)
ALL = ["sobol", "latin hypercube", {"grid": 3}, {"saltelli": 8}, {"morris": 5}, {"fast": 65}]


def designs_of(said: Any) -> int | None:
    return 50 if isinstance(said, str) else None


@given(seed=st.integers(0, 1000), few=st.integers(1, 40), space=st.sampled_from([BOX, MIXED]))
def test_more_designs_begin_with_the_same(seed: int, few: int, space: DesignSpace) -> None:
    many = space.sobol(64, seed)
    np.testing.assert_array_equal(many[:few], space.sobol(few, seed))
    assert np.all(many >= space.lower)
    assert np.all(many <= space.upper)


@pytest.mark.parametrize(
    ("bounds", "nearest"),
    [
        ((40.0, 75.0), r"\[4e-05, 7.5e-05\]"),
        ((75e-6, 40e-6), r"\[4e-05, 7.5e-05\]"),
        ((0.0, 75e-6), r"\[5e-06"),
        ({"log": [40.0, 75.0]}, r"\[4e-05, 7.5e-05\]"),
        ({"choices": [40e-6, 75.0]}, "nearest valid: 7.5e-05"),
        ({"choices": [40e-6, 40e-6]}, "choices .* must differ"),
        ({"choices": [40e-6]}, "two choices at least"),
        ({"choices": []}, "two choices at least"),
        ({"choices": ["thin", 1e-4]}, "must be numbers"),
        ({"even": [40e-6, 75e-6]}, "kind must be known; received: even"),
        ((40e-6, 50e-6, 75e-6), "two numbers"),
    ],
)
def test_impossible_bounds_are_refused_with_the_nearest(bounds: Any, nearest: str) -> None:
    with pytest.raises(InputError, match=nearest):
        DesignSpace.from_bounds({POSITIVE_THICKNESS: bounds})


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        (C_RATE, {"integer": [0.5, 4]}, r"whole numbers.*nearest valid: \[1, 4\]"),
        (channel_width("negative"), {"log": [0.0, 0.4]}, "above 0"),
        (CHANNEL_SHAPE, [0.0, 1.0], r"takes labels.*choices: \[slit, hole\]"),
        (CHANNEL_SHAPE, {"choices": ["slit", "whole"]}, "received: whole; nearest valid: hole"),
        ("Chanel shape", {"choices": ["slit", "hole"]}, "nearest valid: Channel shape"),
    ],
)
def test_kinds_that_a_variable_cannot_be_are_refused(name: str, said: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DesignSpace.from_bounds({name: said})


def test_every_corner_of_a_small_box_is_looked_at() -> None:
    names = {
        "Negative electrode porosity": (0.2, 0.5),
        "Negative channel pitch [m]": (50e-6, 100e-6),
        "Negative channel width over pitch": (0.05, 0.21),
    }
    tight = Cell.load("Chen2020", Structure.of(names, mass="conserved"))
    with pytest.raises(InputError, match="can be built: porosity between channels"):
        check_box(tight, DesignSpace.from_bounds(names), drawn=1)
    # The corner that cannot be built has a label: ablated channels can.
    labels = {**names, CHANNEL_MASS: {"choices": ["ablated", "conserved"]}}
    with pytest.raises(InputError, match="Channel mass = conserved"):
        check_box(tight, DesignSpace.from_bounds(labels), drawn=1)


def test_every_kind_is_even_in_its_own_measure() -> None:
    unit = np.repeat(((np.arange(1200) + 0.5) / 1200)[:, None], len(MIXED), axis=1)
    values = dict(zip(MIXED.names, MIXED.from_unit(unit).T, strict=True))
    assert np.ptp(np.diff(np.log(values[RADIUS]))) < 1e-12
    for name, expected in ((C_RATE, [1, 2, 3, 4]), (POSITIVE_THICKNESS, [40e-6, 50e-6, 80e-6])):
        found, counts = np.unique(values[name], return_counts=True)
        np.testing.assert_array_equal(found, expected)
        assert len(set(counts)) == 1
    first = MIXED.decode(MIXED.from_unit(np.zeros((1, 5)))[0])
    last = MIXED.decode(MIXED.from_unit(np.ones((1, 5)))[0])
    assert (first[CHANNEL_SHAPE], last[CHANNEL_SHAPE]) == ("hole", "slit")
    assert (first[POSITIVE_THICKNESS], last[POSITIVE_THICKNESS]) == (50e-6, 80e-6)
    assert (first[C_RATE], last[RADIUS]) == (1.0, pytest.approx(1e-5, rel=1e-12))


def test_a_space_survives_json_and_says_what_it_is() -> None:
    assert DesignSpace.from_bounds(MIXED.to_dict()) == MIXED
    assert BOX.to_dict() == {N_P_RATIO: [1.05, 1.3], NEGATIVE_POROSITY: [0.2, 0.5]}
    assert BOX.continuous
    assert not MIXED.continuous
    assert DesignSpace((MIXED.axis(RADIUS),)).continuous
    assert MIXED.labels == {CHANNEL_SHAPE: ["hole", "slit"]}
    for row in MIXED.sobol(32, 1):
        plain = dict(zip(MIXED.names, map(float, row), strict=True))
        assert MIXED.contains(plain)
        assert not MIXED.contains({**plain, C_RATE: 1.5})
        assert not MIXED.contains({**plain, POSITIVE_THICKNESS: 60e-6})
        assert MIXED.decode(row) == {**plain, CHANNEL_SHAPE: ["hole", "slit"][int(row[-1])]}


@pytest.mark.parametrize("said", ALL, ids=str)
@pytest.mark.parametrize("space", [BOX, MIXED], ids=["box", "mixed"])
def test_samplers_repeat_themselves_by_seed_alone(said: Any, space: DesignSpace) -> None:
    sampler, designs = Sampler.of(said), designs_of(said)
    before = np.random.get_state()  # noqa: NPY002  it is what must not be touched
    values = sampler.draw(space, designs, seed=0)
    np.random.standard_normal()  # noqa: NPY002
    again, other = sampler.draw(space, designs, seed=0), sampler.draw(space, designs, seed=1)
    np.random.set_state(before)  # noqa: NPY002
    assert sampler.draw(space, designs, seed=0).shape == (sampler.size(space, designs), len(space))
    now = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))
    np.testing.assert_array_equal(values, again)
    assert np.array_equal(values, other) == (sampler.kind == "grid")
    names = space.names
    assert all(space.contains(dict(zip(names, map(float, row), strict=True)), 0.0) for row in values)


def test_sizes_are_what_the_methods_say() -> None:
    sizes = {str(said): Sampler.of(said).size(MIXED, designs_of(said)) for said in ALL}
    grid = 3 * 3 * 4 * 3 * 2
    assert list(sizes.values()) == [50, 50, grid, 8 * 12, 5 * 6, 65 * 5]


def test_a_latin_hypercube_falls_once_on_every_part() -> None:
    values = Sampler("latin hypercube").draw(BOX, 37, seed=3)
    unit = (values - BOX.lower) / (np.array(BOX.upper) - BOX.lower)
    for column in unit.T:
        np.testing.assert_array_equal(np.sort(np.floor(column * 37)), np.arange(37))


def test_a_grid_holds_every_combination_once() -> None:
    values = Sampler.of({"grid": 3}).draw(MIXED)
    assert len(np.unique(values, axis=0)) == len(values)
    np.testing.assert_allclose(np.unique(values[:, 0]), [0.2, 0.35, 0.5])
    np.testing.assert_allclose(np.unique(values[:, 1]), np.geomspace(1e-6, 1e-5, 3))
    assert [len(np.unique(column)) for column in values.T] == [3, 3, 4, 3, 2]


def test_morris_designs_reach_every_value_of_whole_numbers_and_choices() -> None:
    whole = DesignSpace.from_bounds({C_RATE: {"integer": [1, 10]}, NEGATIVE_POROSITY: (0.2, 0.5)})
    assert set(Sampler.of({"morris": 60}).draw(whole, seed=0)[:, 0]) == set(range(1, 11))
    for values in range(2, 21):
        choices = [float(x) for x in np.linspace(40e-6, 80e-6, values)]
        space = DesignSpace.from_bounds(
            {POSITIVE_THICKNESS: {"choices": choices}, N_P_RATIO: (1.05, 1.3)}
        )
        levels = morris_levels(space)
        assert levels % 2 == 0
        assert max(4, values) <= levels <= max(4, values + 1)
        drawn = Sampler.of({"morris": 150}).draw(space, seed=values)
        assert set(drawn[:, 0]) == set(choices)
        assert len(set(drawn[:, 1])) == levels
        starts, ends = drawn[::3, 0], drawn[2::3, 0]
        assert (starts != ends).all()  # every trajectory has an effect of every variable
    many = DesignSpace.from_bounds({POSITIVE_THICKNESS: {"choices": [k * 1e-6 for k in range(40, 90)]}})
    assert (morris_levels(many), morris_levels(BOX)) == (20, 4)


@given(values=st.integers(2, 400), data=st.data())
def test_the_edge_of_two_values_is_the_upper_ones(values: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, values - 1))
    axis = Axis.of(POSITIVE_THICKNESS, {"choices": [40e-6 + k * 1e-7 for k in range(values)]})
    edge = np.array([position / values, (position - 0.01) / values if position else 0.0])
    np.testing.assert_array_equal(
        axis.from_unit(edge), np.array(axis.choices)[[position, max(position - 1, 0)]]
    )


def test_salib_finds_planted_effects_in_its_designs() -> None:
    """y = 2 a + b of even a and b, one of them a logarithm: shares 0.8 and 0.2, effects 2 and 1."""
    space = DesignSpace.from_bounds({RADIUS: {"log": [1e-6, 1e-5]}, NEGATIVE_POROSITY: (0.2, 0.5)})
    box = {"num_vars": 2, "names": ["a", "b"], "bounds": [[0, 1]] * 2}

    def evaluated(said: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
        values = Sampler.of(said).draw(space, seed=4)
        unit = np.stack([np.log10(values[:, 0]) + 6, (values[:, 1] - 0.2) / 0.3], axis=1)
        return unit, unit @ [2.0, 1.0]

    _, y = evaluated({"saltelli": 256})
    found = sobol.analyze(box, y, calc_second_order=True, seed=0)
    np.testing.assert_allclose(found["S1"], [0.8, 0.2], atol=0.03)
    assert abs(found["S2"][0, 1]) < 0.05
    unit, y = evaluated({"morris": 8})
    np.testing.assert_allclose(morris.analyze(box, unit, y, seed=0)["mu_star"], [2, 1], rtol=1e-6)
    _, y = evaluated({"fast": 257})
    with pytest.warns(UserWarning, match="confidence intervals"):  # which are not looked at
        found = fast.analyze(box, y, seed=0)
    np.testing.assert_allclose(found["S1"], [0.8, 0.2], atol=0.03)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("sobbol", "nearest valid: sobol"),
        ({"saltelli": 100}, "power of two; received: 100; nearest valid: 128"),
        ({"fast": 64}, "at least 65.*received: 64"),
        ({"grid": 1}, "at least 2"),
        ({"grid": 3, "morris": 4}, "one sampler"),
        ({"sobol": 64}, "just what it needs: scrambled.*; received: sobol 64; nearest valid: sobol"),
        ("csv", "just what it needs: .*; received: csv; nearest valid: {csv: points.csv}"),
        ({"csv": ""}, "nearest valid: {csv: points.csv}"),
    ],
)
def test_samplers_that_cannot_work_are_refused(said: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Sampler.of(said)


def test_a_plan_of_too_many_designs_is_refused_before_it_is_drawn() -> None:
    with pytest.raises(
        InputError, match=r"at most 1,000,000 designs; received: 1,000,000,000,000 \(grid\)"
    ):
        Sampler.of({"grid": 10**6}).draw(BOX)
    with pytest.raises(InputError, match="needs the number of designs"):
        Sampler().draw(BOX)
    with pytest.raises(InputError, match="sets the number of designs itself; received: designs: 9"):
        Sampler.of({"grid": 3}).draw(BOX, 9)


HEADER = '"Channel shape",C-rate,Negative particle radius [m],Negative electrode porosity,' + (
    "Positive electrode thickness [m]\n"
)


def test_points_come_from_a_table_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("\ufeff" + HEADER + "slit, 2,2e-6,0.3,5e-5\n\nhole,4,1e-05,0.2,8e-5\n", "utf-8")
    expected = [[0.3, 2e-6, 2, 50e-6, 1], [0.2, 1e-5, 4, 80e-6, 0]]
    np.testing.assert_array_equal(Sampler("csv", file=str(file)).draw(MIXED), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names; received: nothing; nearest valid: Negative electrode porosity,"),
        (HEADER, "must hold designs; received: a header alone"),
        (HEADER.replace("C-rate", "C-rat"), "line 1: .*variable of the space; .*nearest valid: C-rate"),
        (HEADER.replace("radius [m]", "radius"), r"nearest valid: Negative particle radius \[m\]"),
        (HEADER.replace("C-rate,", ""), "line 1: every variable .* must have a column; .*no 'C-rate'"),
        (HEADER.replace("C-rate", "C-rate,C-rate"), "must stand once; received: C-rate"),
        (HEADER + "slit,2,2e-6,0.3\n", "line 2: a line must hold 5 values; received: 4"),
        (
            HEADER + "\nslit,2,2e-6,0.3,5e-5\nslit,2,2,0.3,5e-5\n",
            r"line 4, column 'Negative particle ra",
        ),
        (HEADER + "slit,2,2e-6,much,5e-5\n", "must be a number; received: 'much'"),
        (HEADER + "slit,2,2e-6,nan,5e-5\n", r"within \[0.2, 0.5\]; received: nan; nearest valid: 0.2"),
        (HEADER + "slit,2,2e-6,0.6,5e-5\n", r"within \[0.2, 0.5\]; received: 0.6; nearest valid: 0.5"),
        (HEADER + "slit,2.4,2e-6,0.3,5e-5\n", "a whole number within .*2.4; nearest valid: 2"),
        (HEADER + "slit,2,2e-6,0.3,6e-5\n", "one of 5e-05, 4e-05, 8e-05; .*nearest valid: 5e-05"),
        (HEADER + "slot,2,2e-6,0.3,5e-5\n", "received: slot; nearest valid: slit"),
        (HEADER + 'slit,2,"2e-6,0.3,5e-5\n', "comma-separated UTF-8 text"),
    ],
)
def test_mistakes_in_a_table_are_named_with_line_and_column(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_points(tmp_path / "points.csv", MIXED)
    assert "points.csv" in str(caught.value)


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "points.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="table of points must be"):
            read_points(file, BOX)


def test_an_axis_reads_back_what_it_says() -> None:
    for axis in MIXED.axes:
        assert Axis.of(axis.name, axis.said()) == axis
