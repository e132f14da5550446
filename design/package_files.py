"""What lies beside ``design.json``: the parameter set for plain PyBaMM, and the charging curves."""

import csv
import io
import json
from typing import Any

from electrograd.design.verify import Outcome
from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURRENT_DENSITY, NEGATIVE_POTENTIAL, TIME, VOLTAGE
from electrograd.physics.figures import Simulated
from electrograd.physics.plain import plain_parameter_values
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import NOMINAL_CAPACITY
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.dataset import CHARGE

CURVE_POINTS = 101


def parameter_values_json(
    cell: Cell, scenario: Scenario, settings: SolverSettings, simulated: Simulated
) -> bytes:
    """``parameter_values.json``: plain ``pybamm.ParameterValues.from_json`` loads it."""
    first = simulated.charge.observables[VOLTAGE][:1].sum()  # nothing of a charge that failed
    values = plain_parameter_values(cell, scenario, simulated.parameters, float(first), settings.points)
    return json.dumps(values.to_json(), indent=2).encode()


def curves_csv(surrogate: Surrogate | FigureSurrogate, outcome: Outcome, baseline: Simulated) -> bytes:
    """``curves.csv``: one row a point, for the design (predicted, simulated) and the baseline.

    Nothing is predicted along the charge where figures of merit are learned directly.
    """
    winner = outcome.winner
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["electrode", "source", "Time [s]", CHARGE, VOLTAGE, NEGATIVE_POTENTIAL])
    seen = (TIME, VOLTAGE, NEGATIVE_POTENTIAL)

    def rows(electrode: str, source: str, charge: Any, curves: Any) -> None:
        for passed, seconds, voltage, potential in zip(charge, *curves, strict=True):
            values = (seconds, passed, voltage, potential)
            table.writerow([electrode, source, *(f"{value:.9g}" for value in values)])

    for electrode, simulated in (("design", winner.simulated), ("baseline", baseline)):
        charge, curves = simulated.charge.on_grid(CURVE_POINTS, seen)
        rows(electrode, "simulated", charge, curves)
    if not isinstance(surrogate, Surrogate):
        return text.getvalue().encode()
    share, predicted = surrogate.predict_curves(winner.design, CURVE_POINTS)
    nominal = winner.predicted[NOMINAL_CAPACITY]
    density = winner.simulated.charge.observables[CURRENT_DENSITY][0]
    seconds = 3600 * share * nominal / density
    rows("design", "predicted", share * nominal, (seconds, *predicted.T[:2]))
    return text.getvalue().encode()
