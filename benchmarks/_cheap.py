"""A simulation that costs next to nothing, so that what is measured is the sweep around it."""

from typing import Any, ClassVar

import numpy as np

from electrograd.physics.charge import CURVES, Charge, End
from electrograd.sweeps.worker import Design, Job


class Cheap:
    """Answers at once, with curves of a real record's size."""

    about: ClassVar[dict[str, Any]] = {"model": "cheap"}

    def __init__(self, job: Job) -> None:
        self._steps = np.linspace(0.0, 30.0, 100)

    def __call__(self, design: Design) -> Charge:
        curves = {name: self._steps * k for k, name in enumerate(CURVES)}
        return Charge(End.VOLTAGE_CUT_OFF, "Voltage at its upper limit", 40.0, self._steps, curves)
