"""Plans: every design that can be built and keeps the constraints, and no other; none is lost."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    CHANNEL_MASS,
    CHANNEL_SHAPE,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    NOMINAL_CAPACITY,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
    channel_pitch,
    channel_taper,
    channel_width,
    channel_width_length,
    layer_porosity,
    layer_share,
)
from electrograd.physics.variants import variant
from electrograd.sweeps.feasible import Constraint, verdicts
from electrograd.sweeps.plan import check_feasible, make_plan
from electrograd.sweeps.samplers import Sampler
from electrograd.sweeps.space import DesignSpace

BOX = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.2, 0.5)})
CHANNELS = DesignSpace.from_bounds(
    {
        NEGATIVE_POROSITY: (0.2, 0.5),
        channel_pitch("negative"): (50e-6, 100e-6),
        channel_width("negative"): (0.05, 0.5),
        channel_taper("negative"): (0.5, 2.0),
        CHANNEL_SHAPE: {"choices": ["slit", "hole"]},
        CHANNEL_MASS: {"choices": ["ablated", "conserved"]},
    }
)


@pytest.fixture(scope="module")
def channelled() -> Cell:
    return Cell.load("Chen2020", Structure.of(CHANNELS.names))


def test_verdicts_are_those_of_single_designs(cell: Cell, channelled: Cell) -> None:
    """Many designs at once are judged as one at a time, with labels, layers and neither."""
    layered = DesignSpace.from_bounds(
        {
            **{layer_share("negative", k): (0.2, 0.7) for k in (1, 2)},
            **{layer_porosity("negative", k): (0.2, 0.6) for k in (1, 2, 3)},
            NEGATIVE_POROSITY: (0.1, 0.9),
        }
    )
    thick = DesignSpace.from_bounds({N_P_RATIO: (0.5, 3.0), POSITIVE_THICKNESS: (5e-6, 1e-3)})
    graded = Cell.load("Chen2020", Structure.of(layered.names))
    for whole, space, most in ((channelled, CHANNELS, 0.9), (graded, layered, 0.9), (cell, thick, 1.0)):
        values = space.sobol(64, 2)
        expected = []
        for row in values:
            built, numbers = variant(whole, space.decode(row))
            try:
                built.check(numbers)
            except InputError as error:
                expected.append(error.rule)
            else:
                expected.append("")
        assert verdicts(whole, space, values) == expected
        assert 0.1 < expected.count("") / 64 < most  # both verdicts were given


@settings(max_examples=20)
@given(st.floats(0.9, 1.2), st.floats(0.0, 0.4), st.integers(0, 100))
def test_constraints_hold_in_what_is_kept_and_only_there(
    cell: Cell, least: float, wider: float, seed: int
) -> None:
    """The N/P ratio is limited where both thicknesses vary, and capacity and porosities with it."""
    space = DesignSpace.from_bounds(
        {
            NEGATIVE_THICKNESS: (50e-6, 90e-6),
            POSITIVE_THICKNESS: (50e-6, 90e-6),
            NEGATIVE_POROSITY: (0.2, 0.5),
            POSITIVE_POROSITY: (0.2, 0.5),
        }
    )
    constraints = (
        Constraint(N_P_RATIO, "at least", least),
        Constraint(N_P_RATIO, "at most", least + wider),
        Constraint(POSITIVE_POROSITY, "at most", NEGATIVE_POROSITY),
        Constraint(NOMINAL_CAPACITY, "at least", 20.0),
    )
    values = space.sobol(64, seed)
    for row, reason in zip(values, verdicts(cell, space, values, constraints), strict=True):
        design = dict(zip(space.names, map(float, row), strict=True))
        known = cell.design_values(cell.parameters(design))
        active = cell.parameters(design)["Positive electrode active material volume fraction"]
        positive = float(cell.positive.usable_capacity(design[POSITIVE_THICKNESS], active))
        broken = [
            known[N_P_RATIO] < least,
            known[N_P_RATIO] > least + wider,
            design[POSITIVE_POROSITY] > design[NEGATIVE_POROSITY],
            positive * min(1.0, known[N_P_RATIO]) < 20.0,
        ]
        expected = str(constraints[broken.index(True)]) if any(broken) else ""
        assert reason == expected


def test_a_longer_plan_begins_with_the_same_designs_whatever_is_left_out(channelled: Cell) -> None:
    constraints = (
        Constraint(channel_width_length("negative"), "at least", 2e-5),
        Constraint(NEGATIVE_POROSITY, "at least", channel_width("negative")),
    )
    long = make_plan(channelled, CHANNELS, Sampler(), 400, 5, constraints)
    short = make_plan(channelled, CHANNELS, Sampler(), 90, 5, constraints)
    np.testing.assert_array_equal(long.values[:90], short.values)
    assert long.sampler == short.sampler
    assert long.sampler["constraints"] == [str(constraint) for constraint in constraints]
    for plan, wanted in ((long, 400), (short, 90)):
        assert len(plan) == wanted
        drawn = wanted + sum(plan.rejected.values())
        kept = [
            not reason
            for reason in verdicts(channelled, CHANNELS, CHANNELS.sobol(drawn, 5), constraints)
        ]
        np.testing.assert_array_equal(CHANNELS.sobol(drawn, 5)[kept], plan.values)
        assert kept[-1]  # it ends with the last design that was wanted
    assert set(map(str, constraints)) < set(long.rejected)
    assert any("porosity between channels" in reason for reason in long.rejected)


def test_plans_know_what_tells_them_apart(cell: Cell, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(f"{N_P_RATIO},{NEGATIVE_POROSITY}\n1.1,0.3\n1.2,0.4\n")
    table = Sampler("csv", file=str(tmp_path / "points.csv"))
    assert make_plan(cell, BOX, Sampler(), 8, 3).sampler == {"kind": "sobol", "seed": 3}
    assert make_plan(cell, BOX, table, None, 3).sampler == {"kind": "csv"}
    grid = make_plan(cell, BOX, Sampler.of({"grid": 2}), None, 3)
    assert grid.sampler == {"kind": "grid", "base": 2, "designs": 4}
    latin = make_plan(cell, BOX, Sampler("latin hypercube"), 8, 3)
    assert latin.sampler == {"kind": "latin hypercube", "seed": 3, "designs": 8}
    np.testing.assert_array_equal(make_plan(cell, BOX, Sampler(), 8, 3).values, BOX.sobol(8, 3))
    assert grid.design(0) == {N_P_RATIO: 1.05, NEGATIVE_POROSITY: 0.2}


def test_grids_leave_out_and_estimators_refuse(channelled: Cell) -> None:
    grid = make_plan(channelled, CHANNELS, Sampler.of({"grid": 3}), None, 0)
    assert len(grid) + sum(grid.rejected.values()) == 3**4 * 4
    assert grid.rejected
    for said in ({"saltelli": 8}, {"morris": 4}, {"fast": 65}):
        with pytest.raises(InputError, match=r"needs every design .* the first at .*Channel mass = "):
            make_plan(channelled, CHANNELS, Sampler.of(said), None, 0)


def test_a_space_without_a_feasible_point_names_the_commonest_reason(cell: Cell) -> None:
    none = (Constraint(N_P_RATIO, "at most", 1.2), Constraint(N_P_RATIO, "at least", 1.201))
    for refused in (
        lambda: make_plan(cell, BOX, Sampler(), 4, 0, none),
        lambda: make_plan(cell, BOX, Sampler.of({"grid": 4}), None, 0, none),
        lambda: check_feasible(cell, BOX, none),
    ):
        with pytest.raises(
            InputError, match=r"received: 0 of \d+ designs drawn.*: N/P ratio at least 1.2"
        ):
            refused()
    scarce = (Constraint(N_P_RATIO, "at most", 1.0501), Constraint(NEGATIVE_POROSITY, "at most", 0.201))
    check_feasible(cell, BOX, scarce[1:])
    with pytest.raises(InputError, match=r"received: \d of 65536 designs drawn, 32 wanted"):
        make_plan(cell, BOX, Sampler(), 32, 0, scarce)


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (Constraint("N/P", "at least", 1.0), "nearest valid: N/P ratio"),
        (Constraint(POSITIVE_THICKNESS, "at most", 80.0), "nearest valid: 8e-05"),
        (Constraint(POSITIVE_THICKNESS, "at most", NEGATIVE_POROSITY), "one unit"),
        (Constraint(N_P_RATIO, "at most", N_P_RATIO), "another quantity"),
        (Constraint(NOMINAL_CAPACITY, "at most", float("nan")), "finite"),
    ],
)
def test_constraints_that_mean_nothing_are_refused(constraint: Constraint, message: str) -> None:
    known = [N_P_RATIO, POSITIVE_THICKNESS, NEGATIVE_THICKNESS, NEGATIVE_POROSITY, NOMINAL_CAPACITY]
    with pytest.raises(InputError, match=message):
        constraint.check(known)


def test_labels_build_variants(cell: Cell, channelled: Cell) -> None:
    built, numbers = variant(channelled, {CHANNEL_SHAPE: "hole", NEGATIVE_POROSITY: 0.3})
    assert numbers == {NEGATIVE_POROSITY: 0.3}
    assert built.structure.negative.channel == "hole"
    assert built.structure.positive == channelled.structure.positive
    assert built.structure.negative.mass == "ablated"
    same, _ = variant(channelled, numbers)
    assert same is channelled
    with pytest.raises(InputError, match="it has none"):
        variant(cell, {CHANNEL_SHAPE: "hole"})
    with pytest.raises(InputError, match="nearest valid: hole"):
        variant(channelled, {CHANNEL_SHAPE: "hol"})
