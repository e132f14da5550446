"""Maps around a design on an analytic problem; in a report, in test_demo."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from electrograd.design.maps import DesignMap, design_map, telling_pair
from electrograd.design.problem import Goal, Limit
from electrograd.figures import STYLE
from electrograd.map_figure import draw_map, map_caption
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_SHARE,
    CHARGE_TIME,
    N_P_RATIO,
    NEGATIVE_POROSITY,
    PLATING_MARGIN,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
    SPECIFIC_ENERGY,
)
from electrograd.report import as_svg
from electrograd.sweeps.space import DesignSpace
from electrograd.tables import display

SPACE = DesignSpace.from_bounds(
    {
        POSITIVE_THICKNESS: {"log": (10e-6, 1000e-6)},
        NEGATIVE_POROSITY: (0.2, 0.6),
        POSITIVE_POROSITY: (0.2, 0.6),
    }
)
MARGIN = Limit(PLATING_MARGIN, "at least", 0.0)
GOAL = Goal(SPECIFIC_ENERGY, "maximise", (MARGIN,))
DESIGN = {POSITIVE_THICKNESS: 100e-6, NEGATIVE_POROSITY: 0.5, POSITIVE_POROSITY: 0.5}
PAIR = (NEGATIVE_POROSITY, POSITIVE_POROSITY)


class Circle:
    """Energy that rises with both porosities, a margin that is kept in a circle, times that end."""

    space = SPACE

    def __init__(self) -> None:
        self.asked: list[int] = []

    def figures(self, design: Any) -> dict[str, Any]:
        thickness, a, b = design[..., 0], design[..., 1], design[..., 2]
        return {
            SPECIFIC_ENERGY: 300 + 2 * a + b + 0.01 * np.log(thickness),
            PLATING_MARGIN: 0.1 - ((a - 0.3) ** 2 + (b - 0.3) ** 2),
            ACCEPTED_SHARE: 1.2 - b,
            CHARGE_TIME: np.where(b <= 0.4, 1000 * a, np.inf),
        }

    def predict(self, designs: np.ndarray) -> dict[str, np.ndarray]:
        self.asked.append(len(designs))
        return self.figures(designs)

    def predict_one(self, design: dict[str, float]) -> dict[str, float]:
        raise NotImplementedError

    def interval(self, figure: str) -> float:
        return 0.0


def test_a_map_is_the_closed_forms() -> None:
    surrogate = Circle()
    found = design_map(surrogate, GOAL, DESIGN, PAIR)
    assert surrogate.asked == [61 * 61], "one call, for whose batches one function is compiled"
    np.testing.assert_allclose(found.across, np.linspace(0.2, 0.6, 61))
    a, b = np.meshgrid(found.across, found.upward)
    np.testing.assert_allclose(found.values, 300 + 2 * a + b + 0.01 * np.log(100e-6))
    np.testing.assert_allclose(found.slacks[MARGIN], 0.1 - (a - 0.3) ** 2 - (b - 0.3) ** 2, atol=1e-15)
    beyond = np.hypot(a - 0.3, b - 0.3) - np.sqrt(0.1)
    off = np.abs(beyond) > 1e-9  # some places of the grid are on the circle
    np.testing.assert_array_equal(found.feasible[off], beyond[off] < 0)
    assert found.logarithmic == (False, False)


def test_a_logarithmic_variable_is_even_in_its_logarithm() -> None:
    found = design_map(Circle(), GOAL, DESIGN, (POSITIVE_POROSITY, POSITIVE_THICKNESS), points=5)
    np.testing.assert_allclose(found.upward, 1e-5 * 10 ** np.linspace(0, 2, 5))
    assert found.logarithmic == (False, True)
    np.testing.assert_allclose(found.values[:, 0], 300 + 1 + 0.2 + 0.01 * np.log(found.upward))
    assert as_svg(draw_map(found, record())).startswith("<?xml")


def test_the_pair_is_that_in_which_goal_and_limits_are_traded() -> None:
    # Along a the goal gains 2 (0.6 - 0.5), along b half of it; the margin breaks by the same along both.
    assert telling_pair(Circle(), GOAL, DESIGN) == PAIR
    # A limit on the share, which b alone decides, turns the order round.
    share = Limit(ACCEPTED_SHARE, "at least", 0.7)
    told = Goal(SPECIFIC_ENERGY, "maximise", (MARGIN, share))
    assert telling_pair(Circle(), told, DESIGN) == PAIR[::-1]
    # Where nothing is gained or broken, the goal's range decides.
    best = {POSITIVE_THICKNESS: 1000e-6, NEGATIVE_POROSITY: 0.6, POSITIVE_POROSITY: 0.6}
    assert telling_pair(Circle(), Goal(SPECIFIC_ENERGY, "maximise", ()), best) == PAIR


def test_a_charge_time_means_that_the_charge_is_reached() -> None:
    """Elsewhere its time is infinite, which a picture leaves blank, or made up."""
    quick = Goal(CHARGE_TIME, "minimise", (MARGIN,))
    found = design_map(Circle(), quick, DESIGN, PAIR)
    assert [limit.figure for limit in found.slacks] == [PLATING_MARGIN, ACCEPTED_SHARE]
    assert not found.feasible[found.upward > 0.4 + 1e-9].any()
    assert np.isinf(found.values).any()
    # Its time is not known at the design, so that the limits decide: b breaks both.
    assert telling_pair(Circle(), quick, DESIGN) == PAIR[::-1]
    assert as_svg(draw_map(found, record())).startswith("<?xml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"names": (NEGATIVE_POROSITY, "Positive electrode porosty")},
            "a variable must be of the design space; received: Positive electrode porosty; "
            f"nearest valid: {POSITIVE_POROSITY}",
        ),
        (
            {"names": (NEGATIVE_POROSITY, NEGATIVE_POROSITY)},
            "a map must be over two different variables; received: 'Negative electrode porosity' twice; "
            f"nearest valid: {POSITIVE_THICKNESS}",
        ),
        ({"points": 1}, "two points along each variable at least; received: 1; nearest valid: 2"),
        (
            {"design": {NEGATIVE_POROSITY: 0.3, POSITIVE_POROSITY: 0.3}},
            f"every variable of the box; received: ['{NEGATIVE_POROSITY}', '{POSITIVE_POROSITY}']; "
            f"nearest valid: add ['{POSITIVE_THICKNESS}']",
        ),
        (
            {"goal": Goal("Energy density [W.h.L-1]", "maximise", ())},
            "a map must be of figures of merit that the surrogate predicts; "
            f"received: Energy density [W.h.L-1]; nearest valid: one of {SPECIFIC_ENERGY}",
        ),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str) -> None:
    asked = {"surrogate": Circle(), "goal": GOAL, "design": DESIGN, "names": PAIR, **changes}
    with pytest.raises(InputError) as caught:
        design_map(**asked)
    assert message in str(caught.value)


def test_a_box_of_one_variable_has_no_map() -> None:
    surrogate = Circle()
    surrogate.space = DesignSpace.from_bounds({N_P_RATIO: (1.0, 1.3)})
    with pytest.raises(InputError, match=r"two variables of the box; received: \['N/P ratio'\]"):
        telling_pair(surrogate, GOAL, {N_P_RATIO: 1.1})


def record(**baseline: float) -> dict[str, Any]:
    bounds = zip(SPACE.names, SPACE.lower, SPACE.upper, strict=True)
    return {
        "variables": {
            name: {"value": DESIGN[name], "baseline": baseline.get(name), "lower": low, "upper": high}
            for name, low, high in bounds
        },
        "baseline": {"inside_box": bool(baseline)},
    }


def drawn(found: DesignMap, record: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Words of a picture's legend, and where its marks are."""
    with mpl.rc_context(STYLE):
        figure = draw_map(found, record)
    axes, bar = figure.axes
    assert bar.get_ylabel() == display(SPECIFIC_ENERGY).title
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    marks = zip(*axes.get_legend_handles_labels(), strict=True)
    return words, {name: mark.get_offsets()[0].tolist() for mark, name in marks}


def test_a_picture_names_limits_and_marks_the_design() -> None:
    found = design_map(Circle(), GOAL, DESIGN, PAIR)
    words, marks = drawn(found, record())
    assert words == ["design", "a limit broken", "Plating margin ≥ 0.00 mV"]
    assert marks == {"design": [0.5, 0.5]}
    assert map_caption(found, record()) == (
        f"{display(SPECIFIC_ENERGY).label}, as the surrogate predicts it, over two variables, the "
        "others as in the design; grey and hatched where a limit is broken."
    )


def test_a_picture_of_limits_without_a_line_says_so() -> None:
    kept, missed = (Limit(PLATING_MARGIN, "at least", value) for value in (-1.0, 0.9))
    found = design_map(Circle(), Goal(SPECIFIC_ENERGY, "maximise", (kept, missed)), DESIGN, PAIR)
    assert drawn(found, record())[0] == ["design", "a limit broken"]
    caption = map_caption(found, {"as_made": {}})
    assert "Plating margin ≥ −1000.00 mV holds all over. Plating margin ≥ 900.00 mV is broken" in caption
    assert "nominal" in caption
    free = design_map(Circle(), Goal(SPECIFIC_ENERGY, "maximise", (kept,)), DESIGN, PAIR)
    assert drawn(free, record())[0] == ["design"]


def test_a_baseline_off_the_slice_is_named_so() -> None:
    found = design_map(Circle(), GOAL, DESIGN, (POSITIVE_THICKNESS, NEGATIVE_POROSITY))
    baseline = {**DESIGN, POSITIVE_THICKNESS: 50e-6}
    words, marks = drawn(found, record(**baseline))
    assert words[:2] == ["design", "baseline"]
    assert marks["baseline"] == pytest.approx([50, 0.5])
    words, _ = drawn(found, record(**{**baseline, POSITIVE_POROSITY: 0.3}))
    assert words[1] == "baseline, other variables not as held here"
