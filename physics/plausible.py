"""Impossible simulations: curves that no cell of these materials can have, whatever its design.

A solver may return numbers from equations that went wrong. Such a record is a failure with its reason,
and nothing is learned from it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from electrograd.physics.charge import NEGATIVE_POTENTIAL, VOLTAGE, Charge, End
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.variables import SIDES

OVERPOTENTIAL = 2.0
"""How far a potential may lie beyond those of its material [V].

PyBaMM's barrier at a full or empty surface takes 1 V. Kinetics take 1 V: at 25 °C the symmetric
Butler-Volmer equation then gives 3e8 times the exchange current.
"""
JUMP = 0.5
"""Largest jump from rest to the first instant that an end may have [V]: kinetics and ohmic losses."""
_ROUNDING = 0.01  # V: interpolation between the solver's steps, and the entropic change of a heated cell
_RANGE = np.linspace(1e-3, 1 - 1e-3, 999)


@dataclass(frozen=True)
class Materials:
    """Open-circuit potentials of a cell's two materials at one temperature.

    Attributes
    ----------
    negative, positive
        Functions of stoichiometry [V].
    negative_range, positive_range
        Their least and greatest values [V].
    """

    negative: Any
    positive: Any
    negative_range: tuple[float, float]
    positive_range: tuple[float, float]

    @classmethod
    def of(cls, values: Any, temperature: float) -> "Materials":
        """Take them from ``pybamm.ParameterValues``, at a temperature [K]."""
        import casadi

        parameters = pybamm.LithiumIonParameters()
        found: dict[str, Any] = {}
        for side in SIDES:
            phase = getattr(parameters, side[0]).prim
            potential = phase.U(pybamm.InputParameter("stoichiometry"), pybamm.Scalar(temperature))
            x = casadi.MX.sym("x")
            symbol = values.process_symbol(potential).to_casadi(inputs={"stoichiometry": x})
            function = casadi.Function("U", [x], [symbol])
            values_there = np.asarray(function(_RANGE[None]))
            found[side] = function
            found[f"{side}_range"] = (float(values_there.min()), float(values_there.max()))
        return cls(**found)

    def rest(self, start: Mapping[str, float]) -> float:
        """Open-circuit voltage [V] at a stoichiometry of each electrode, by side."""
        return float(self.positive(start["positive"])) - float(self.negative(start["negative"]))

    def judged(
        self,
        charge: Charge,
        start: Mapping[str, float],
        charging: bool,
        limits: tuple[float, float],
    ) -> Charge:
        """Return the record, as a failure with its reason if it is impossible.

        Parameters
        ----------
        charge
            The record; its voltage and the negative potential at the separator are judged.
        start
            Stoichiometry of each electrode at the start, by side.
        charging
            False for a discharge.
        limits
            Lower and upper voltage cut-off [V].
        """
        reason = self._fault(charge, start, charging, limits) if charge.end.completed else ""
        return dataclasses.replace(charge, end=End.IMPOSSIBLE, message=reason) if reason else charge

    def _fault(
        self,
        charge: Charge,
        start: Mapping[str, float],
        charging: bool,
        limits: tuple[float, float],
    ) -> str:
        """Return the reason for which a record is impossible; empty if it is possible."""
        # A simulation may have been asked for other observables: what is there is judged.
        voltage, potential = (
            charge.observables.get(name, np.empty(0)) for name in (VOLTAGE, NEGATIVE_POTENTIAL)
        )
        if not (np.all(np.isfinite(voltage)) and np.all(np.isfinite(potential))):
            return "the potentials are not finite"
        rest = self.rest(start)
        (low, high), (_, top) = self.negative_range, self.positive_range
        most = top - low + 2 * OVERPOTENTIAL
        low, high = low - OVERPOTENTIAL, high + OVERPOTENTIAL
        if np.any((potential < low) | (potential > high)):
            return (
                f"the negative electrode reaches {_outermost(potential, low, high):.4g} V against "
                f"lithium; its material allows {low:.2f} to {high:.2f} V"
            )
        if not voltage.size:
            return ""
        if charging and voltage.min() < (floor := min(limits[0], rest) - _ROUNDING):
            return f"the voltage falls to {voltage.min():.4g} V, below {floor:.2f} V, while charging"
        ceiling = most if charging else rest + _ROUNDING
        if voltage.max() > ceiling:
            kind = "charging" if charging else "discharging"
            return f"the voltage rises to {voltage.max():.4g} V, above {ceiling:.2f} V, while {kind}"
        room = limits[1] - rest if charging else rest - limits[0]
        if charge.end is End.VOLTAGE_CUT_OFF and charge.accepted == 0 and room > JUMP:
            return (
                f"the voltage is {voltage[0]:.4g} V at the first instant, beyond its limit, though the "
                f"open-circuit voltage is {rest:.4g} V: nothing passes at this current"
            )
        return ""


def _outermost(values: np.ndarray, low: float, high: float) -> float:
    """The value that lies furthest outside two bounds."""
    return float(values[np.argmax(np.maximum(low - values, values - high))])
