"""What solver processes run in the tests of faults; a module, so that they can import it."""

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import N_P_RATIO, NEGATIVE_POROSITY
from electrograd.sweeps.filling import writing
from electrograd.sweeps.plan import Plan
from electrograd.sweeps.runner import run_pending
from electrograd.sweeps.space import DesignSpace
from electrograd.sweeps.worker import Design, Job

if TYPE_CHECKING:  # it brings in PyBaMM, which fakes need not wait for
    from electrograd.physics.figures import Simulated

SPACE = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.23, 0.48)})
IDENTITY = {"rate": 1.0, "observables": list(CURVES)}
LOG = "ELECTROGRAD_TEST_LOG"
"""Environment variable with a file to which every simulated design is written."""


def job(time_limit: float = 30.0) -> Job:
    return Job(Cell.load("Chen2020"), Scenario(1.0), SolverSettings(), time_limit)


def plan(designs: int, seed: int = 3) -> Plan:
    sampler = {"kind": "sobol", "seed": seed}
    return Plan(SPACE, SPACE.sobol(designs, seed), sampler, {})


class Fake:
    """A cheap stand-in for a simulation; a porosity picks a fault."""

    about: ClassVar[dict[str, Any]] = {"model": "fake"}
    pause = 0.0

    def __init__(self, job: Job) -> None:
        pass

    def __call__(self, design: Design) -> Charge:
        epsilon = float(design[NEGATIVE_POROSITY])
        if epsilon > 0.49:
            os._exit(1)
        if epsilon < 0.22:
            time.sleep(3600)
        time.sleep(self.pause)
        if LOG in os.environ:
            with Path(os.environ[LOG]).open("a") as log:
                log.write(f"{epsilon!r}\n")
        steps = np.linspace(0, 10 * epsilon, 9)
        return Charge(End.VOLTAGE_CUT_OFF, "ok", 10.0, steps, dict.fromkeys(CURVES, steps**2))


class Slow(Fake):
    """Slow enough to be killed at work."""

    pause = 0.008


class Surroundings(Fake):
    """Tells in its message how many threads it may use, and on what."""

    def __call__(self, design: Design) -> Charge:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "JAX_PLATFORMS")
        message = " ".join(os.environ[name] for name in names)
        return dataclasses.replace(super().__call__(design), message=message)


class Wrong(Fake):
    """An error that is ours and not the simulation's."""

    def __call__(self, design: Design) -> Charge:
        raise ZeroDivisionError("a bug")


class Older(Fake):
    """A worker that has another release of what matters."""

    about: ClassVar[dict[str, Any]] = {"versions": {"pybamm": "1.0"}}


def fill(place: str, designs: int, workers: int) -> None:
    """Run a sweep of slow fakes: the main process of tests that kill it."""
    with writing(place, plan(designs), IDENTITY, batch=4) as store:
        run_pending(store, SPACE, job(), workers, make=Slow)


class Hanging:
    """Simulates nothing: hangs, dies or refuses, as a porosity says."""

    def __init__(self, *arguments: object) -> None:
        pass

    def prepare(self, aims: object) -> None:
        pass

    def __call__(self, design: dict[str, float], aims: object) -> "Simulated":
        epsilon = design[NEGATIVE_POROSITY]
        if epsilon > 0.49:
            os._exit(1)
        if epsilon < 0.22:
            time.sleep(3600)
        if epsilon > 0.39:
            raise ZeroDivisionError("a bug")
        raise InputError("a rule", epsilon, 0.3)


def refuse(*arguments: object) -> Hanging:
    raise InputError("no such cell", "this one")
