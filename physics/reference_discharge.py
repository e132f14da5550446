"""The discharge that defines the specific energy: C/3, if not stated, over the full window, at 25 °C."""

from collections.abc import Mapping

from electrograd.physics.charge import End
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario

DISCHARGE_TEMPERATURE = 298.15


def reference_scenario(scenario: Scenario) -> Scenario:
    """What a model that discharges is built for: it inherits cut-offs and discharge rate."""
    return Scenario(
        1.0,
        upper_voltage=scenario.upper_voltage,
        lower_voltage=scenario.lower_voltage,
        temperature=DISCHARGE_TEMPERATURE,
        discharge_rate=scenario.discharge_rate,
    )


def delivered_energy(model: P2D, parameters: Mapping[str, float]) -> float:
    """Energy of the discharge [W.h.m-2]; NaN where it failed or did not come to an end.

    Parameters
    ----------
    model
        Built for `reference_scenario`.
    parameters
        A complete set of one design.
    """
    discharge = model.discharge(dict(parameters), model.scenario.discharge_rate)
    whole = discharge.end.completed and discharge.end is not End.CHARGING_TIME_OVER
    return discharge.energy if whole else float("nan")
