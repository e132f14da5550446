"""The course of a charge in which limits are held: which of them holds the current back the longest."""

from dataclasses import dataclass

import numpy as np

from electrograd.physics.charge import CHARGED_SHARE, NEGATIVE_POTENTIAL, TIME, VOLTAGE, Charge
from electrograd.physics.remedies import HELD
from electrograd.physics.scenario import Scenario

AT_LIMIT = 1e-4
"""So close to its limit [V] a voltage has reached it."""
_NEARLY = 0.99  # of what is taken, where the charge ends before the share that is looked at


@dataclass(frozen=True)
class Course:
    """What a charge was held back by, up to the share that charge times are to.

    Attributes
    ----------
    at
        The observable whose limit was held the longest; empty: the charger's own current.
    first, middle
        Steps: the first at that limit, and the one in the middle of the time there.
    part
        That time over the whole.
    taken, seconds
        The share of the nominal capacity that is looked at, and when it is in [s]: `CHARGED_SHARE`, or
        just before the end of a charge that ends before.
    """

    at: str
    first: int
    middle: int
    part: float
    taken: float
    seconds: float

    @classmethod
    def of(cls, charge: Charge, scenario: Scenario) -> "Course":
        """Read it off a simulated charge, in a scenario with its cut-off voltages."""
        share = (charge.start + charge.charge) / charge.nominal
        taken = min(CHARGED_SHARE, max(_NEARLY * float(share[-1]), float(share[0])))
        seconds, time = charge.time_to(taken), charge.observables[TIME]
        spent = np.diff(np.minimum(time, seconds), append=min(float(time[-1]), seconds))
        kinds = np.full(len(time), "", dtype=object)
        if scenario.hold_voltage and scenario.upper_voltage is not None:
            kinds[charge.observables[VOLTAGE] >= scenario.upper_voltage - AT_LIMIT] = VOLTAGE
        if scenario.plating_potential is not None:
            low = charge.observables[NEGATIVE_POTENTIAL] <= scenario.plating_potential + HELD
            kinds[low] = NEGATIVE_POTENTIAL
        times = {kind: float(spent[kinds == kind].sum()) for kind in dict.fromkeys(kinds)}
        at = max(times, key=lambda kind: times[kind])
        steps = np.flatnonzero(kinds == at)
        within = np.searchsorted(np.cumsum(spent[steps]), times[at] / 2)
        return cls(
            at=at,
            first=int(steps[0]),
            middle=int(steps[min(int(within), len(steps) - 1)]),
            part=times[at] / seconds if seconds > 0 else 0.0,
            taken=taken,
            seconds=seconds,
        )

    @property
    def mean_rate(self) -> float:
        """C-rate of a constant current that would take as long [1/h]."""
        return self.taken * 3600 / self.seconds

    def quickness(self, charge: Charge) -> float:
        """The negative of another charge's time to the same share, over this one's."""
        return -charge.time_to(self.taken) / self.seconds
