"""What a worker process does: simulate a few designs, and end itself if a solve hangs."""

import faulthandler
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import nothing
from electrograd.physics.scenario import Scenario, SolverSettings

if TYPE_CHECKING:
    from electrograd.physics.p2d import P2D


@dataclass(frozen=True)
class Job:
    """What every simulation of a sweep has in common."""

    cell: Cell
    scenario: Scenario
    settings: SolverSettings
    time_limit: float
    """Seconds a single solve may take before its process is ended."""


@lru_cache(maxsize=1)
def built(job: Job) -> "P2D":
    """Build the model once per process and sweep."""
    from electrograd.physics.fidelity import model_of

    return model_of(job.cell, job.scenario)(job.cell, job.scenario, job.settings, CURVES)


def simulate(job: Job, designs: Sequence[Mapping[str, float]]) -> list[Charge]:
    """Charge each design in turn.

    A solve can hang in compiled code, which no exception reaches; a watchdog in the interpreter's C
    code then ends the whole process, and the runner sees to the rest.
    """
    model = built(job)
    charges = []
    with open(os.devnull, "w") as nowhere:
        for design in designs:
            faulthandler.dump_traceback_later(job.time_limit, exit=True, file=nowhere)
            try:
                charges.append(model.charge(model.cell.parameters(design)))
            except InputError as error:
                charges.append(nothing(model.cell, design, End.CANNOT_BE_BUILT, str(error)))
            finally:
                faulthandler.cancel_dump_traceback_later()
    return charges
