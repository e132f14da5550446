"""Numbers for people: what never happens is said in words, and what is unknown is not made up."""

import json
import math
from typing import Any

import numpy as np
from untrained import SPACE

from electrograd.design.package import _figures, to_json
from electrograd.physics.charge import Charge, End
from electrograd.physics.figures import SIMULATED_ONLY, Simulated
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    CHARGE_TIME,
    CHARGING_ENERGY,
    NEGATIVE_POROSITY,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
    PLATING_ONSET,
    POSITIVE_THICKNESS,
    PREDICTED,
    SPECIFIC_ENERGY,
)
from electrograd.surrogates.surrogate import Accuracy, Surrogate
from electrograd.tables import (
    FIGURES,
    accuracy_lines,
    bound_lines,
    conflict_lines,
    leaning_lines,
    sensitivity_lines,
    summary,
    unsettled_lines,
)
from electrograd.tables import simulated as simulated_text


def test_every_figure_of_merit_can_be_shown() -> None:
    assert set(FIGURES) == {*PREDICTED, *SIMULATED_ONLY}
    assert FIGURES[PLATING_ONSET].text(0.4567) == "45.7 %"
    assert FIGURES[PLATING_ONSET].text(math.inf) == "never"
    assert FIGURES[CHARGE_TIME].text(None) == "not reached"
    assert FIGURES[PLATING_MARGIN].text(-1e-6) == "0.00 mV"
    assert FIGURES[CHARGING_ENERGY].text(123.4) == "12.34 mWh/cm²"
    error = {"median": 1e-3, "95th percentile": 2e-3, "interval": 2e-3}
    accuracy = Accuracy({}, dict.fromkeys(PREDICTED, error), {ACCEPTED_SHARE: np.zeros((5, 2))})
    assert len(accuracy_lines(accuracy)) == 1 + len(PREDICTED)
    index = {"first": 0.1, "first confidence": 0.0, "total": 0.1, "total confidence": 0.0}
    indices = {name: {SPACE.names[0]: index} for name in PREDICTED}
    assert len(sensitivity_lines({"indices": indices})) == 2 * len(PREDICTED)


def test_a_package_says_which_predictions_are_exact_and_keeps_to_json(some_surrogate: Surrogate) -> None:
    """Times and onsets that are infinite are null, and none is called exact that was learned."""
    predicted = dict.fromkeys(PREDICTED, 1.0) | {CHARGE_TIME: math.inf, PLATING_ONSET: math.inf}
    figures = {**predicted, **dict.fromkeys(SIMULATED_ONLY, 2.0)}
    simulated = Simulated({}, Charge(End.VOLTAGE_CUT_OFF, "", 1.0, np.empty(0), {}), figures)
    record = json.loads(to_json(_figures(some_surrogate, predicted, simulated, simulated)))
    for name in (CHARGE_TIME, PLATING_ONSET):
        assert (record[name]["predicted"], record[name]["simulated"]) == (None, None)
        assert record[name]["learned"]
        assert record[name]["interval"] is None
    told = {"figures_of_merit": record}
    assert simulated_text(told, PLATING_ONSET, "simulated") == "never"
    record[ACCEPTED_CAPACITY]["baseline"] = None
    assert simulated_text(told, PLATING_ONSET, "baseline") == "–", "nothing is known of a failed charge"
    assert record[ACCEPTED_SHARE]["interval"] == [0.8, 1.2]
    assert not record[NOMINAL_CAPACITY]["learned"]
    assert record[NOMINAL_CAPACITY]["interval"] == [1.0, 1.0]
    assert not record[SPECIFIC_ENERGY]["learned"]
    assert record[SPECIFIC_ENERGY]["interval"] is None


def test_limits_in_conflict_are_told_with_what_is_within_reach() -> None:
    assert conflict_lines({}) == []
    assert "did not bear it out" in conflict_lines({"conflict": []})[0]
    time = {"figure": CHARGE_TIME, "sense": "at most", "value": 300.0, "within_reach": 412.0}
    energy = {"figure": SPECIFIC_ENERGY, "sense": "at least", "value": 300.0, "within_reach": 271.84}
    (alone,) = conflict_lines({"conflict": [time]})
    assert (
        alone
        == "No design of the box has charge time to 80 % at most 5.0 min; the best has about 6.9 min."
    )
    assert conflict_lines({"conflict": [time, energy]}) == [
        "No design of the box meets these together: charge time to 80 % at most 5.0 min; "
        "discharge specific energy at least 300.0 Wh/kg.",
        "With the others met, charge time to 80 % comes to about 6.9 min.",
        "With the others met, discharge specific energy comes to about 271.8 Wh/kg.",
    ]


def boxed(**at: str | None) -> dict[str, Any]:
    """As much of ``design.json`` as says where a design lies in its box, and how it was found."""
    names = {"thick": POSITIVE_THICKNESS, "porous": NEGATIVE_POROSITY}
    bounds = {"thick": (40e-6, 100e-6), "porous": (0.2, 0.5)}
    entries = {"value": 1.0, "baseline": 1.0}
    energy = {"predicted": 276.1, "simulated": 274.1, "baseline": 250.0}
    return {
        "variables": {
            names[key]: {**entries, "lower": bounds[key][0], "upper": bounds[key][1], "at_bound": bound}
            for key, bound in at.items()
        },
        "leans_on": None,
        "goal": {"figure": SPECIFIC_ENERGY, "sense": "maximise"},
        "constraints": [],
        "figures_of_merit": {**dict.fromkeys(FIGURES, energy)},
        "simulation": {"electrolyte_depleted": False},
        "limits_met": True,
        "search": {"settled": False, "budget": 24, "explored_designs": [{}]},
    }


def test_an_optimum_on_the_bounds_of_its_box_is_said_so() -> None:
    assert bound_lines(boxed(thick=None, porous=None)) == []
    (one,) = bound_lines(boxed(thick="upper", porous=None))
    assert one == (
        "The study's box holds the design back. Positive electrode thickness lies on its upper bound "
        "(100.0 µm). A wider box may hold a better one."
    )
    record = boxed(thick="upper", porous="lower")
    (both,) = bound_lines(record)
    assert both == (
        "The study's box alone decides the design. Positive electrode thickness lies on its upper bound "
        "(100.0 µm). Negative electrode porosity lies on its lower bound (0.200). A wider box may hold "
        "a better one."
    )
    assert both in summary(record)
    assert leaning_lines(record) == [both], "the page says as much where prices are unknown"
    record["leans_on"] = {"limits": [], "bounds": {NEGATIVE_POROSITY: {"gain": 1.0}}, "interior": False}
    (priced,) = bound_lines(record)
    assert "thickness" not in priced, "its bound costs nothing"


def test_a_search_whose_budget_ended_first_is_said_so() -> None:
    record = boxed(thick=None)
    (said,) = unsettled_lines(record)
    assert said == (
        "The search had not settled when its budget of 24 simulations was spent: discharge specific "
        "energy was predicted to be 276.1 Wh/kg and is 274.1 Wh/kg. A better design may be found with "
        "'design: {budget: 48}' in the study file."
    )
    assert said in summary(record)
    record["search"]["explored_designs"] = []
    assert unsettled_lines(record)[0].endswith("with a larger sweep.")
    assert unsettled_lines({**record, "search": {**record["search"], "settled": True}}) == []
    assert unsettled_lines({**record, "limits_met": False}) == [], "then the conflict is told"
