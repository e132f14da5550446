"""What a sweep's workers run in the tests of faults; a module, so that they can import it."""

import os
import time

import numpy as np

from electrograd.physics.charge import CURVES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import Simulated
from electrograd.physics.variables import NEGATIVE_POROSITY
from electrograd.sweeps.worker import Job


def fake(job: Job, designs: list[dict[str, float]]) -> list[Charge]:
    """A cheap stand-in for a simulation; a porosity picks a fault."""
    charges = []
    for design in designs:
        epsilon = design[NEGATIVE_POROSITY]
        if epsilon > 0.49:
            os._exit(1)
        if epsilon < 0.22:
            time.sleep(job.time_limit + 0.2)
            os._exit(1)
        steps = np.linspace(0, 10 * epsilon, 9)
        charges.append(Charge(End.VOLTAGE_CUT_OFF, "ok", 10.0, steps, dict.fromkeys(CURVES, steps**2)))
    return charges


def wrong(job: Job, designs: list[dict[str, float]]) -> list[Charge]:
    """An error that is ours and not the simulation's."""
    raise ZeroDivisionError("a bug")


class Hanging:
    """Simulates nothing: hangs, dies or refuses, as a porosity says."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __call__(self, design: dict[str, float]) -> Simulated:
        epsilon = design[NEGATIVE_POROSITY]
        if epsilon > 0.49:
            os._exit(1)
        if epsilon < 0.22:
            time.sleep(60)
        if epsilon > 0.39:
            raise ZeroDivisionError("a bug")
        raise InputError("a rule", epsilon, 0.3)


def refuse(*arguments: object) -> Hanging:
    raise InputError("no such cell", "this one")
