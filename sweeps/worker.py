"""What a worker does: hand a batch of designs to a solver process, and pack what comes back.

A Dask worker only hands out: each of its threads has a solver process of its own, so that a solve that
hangs or crashes takes neither the worker nor its cluster with it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, Charge, End, nothing
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import nominal_capacity
from electrograd.physics.variants import variant
from electrograd.sweeps.provenance import made_with
from electrograd.sweeps.record import DELIVERED, Block, pack, stacked
from electrograd.sweeps.solver import ClosedError, Guarded, Lost

Design = Mapping[str, float | str]
"""Values by name: numbers, and labels of categorical variables."""


@dataclass(frozen=True)
class Job:
    """What every simulation of a sweep has in common."""

    cell: Cell
    scenario: Scenario
    settings: SolverSettings
    time_limit: float
    """Seconds a single solve may take before its process is ended."""
    observables: tuple[str, ...] = CURVES
    fidelity: str | None = None
    """One of `FIDELITIES`, or None: the cheapest that is right."""
    extras: tuple[str, ...] = ()
    """What is kept beside the curves, of `record.EXTRAS`."""


class Charging:
    """Charges designs of a job, one at a time; each cell's model is built once."""

    def __init__(self, job: Job) -> None:
        # Here, for only solver processes need PyBaMM.
        from electrograd.physics.ladder import Charger, DischargingCharger

        kind = DischargingCharger if DELIVERED in job.extras else Charger

        def charger(cell: Cell) -> Charger:
            return kind(job.fidelity, cell, job.scenario, job.settings, job.observables)

        first = charger(job.cell)
        self._job, self._make = job, charger
        self._chargers = {job.cell: first}
        self.about = made_with(first)

    def prepare(self, design: Design) -> None:
        """Build the model that a design needs: it does not count towards the design's time limit."""
        cell, _ = variant(self._job.cell, design)
        if cell not in self._chargers:
            self._chargers[cell] = self._make(cell)

    def __call__(self, design: Design) -> Charge:
        """Charge one design; one that cannot be built is recorded as such."""
        cell, numbers = variant(self._job.cell, design)
        try:
            return self._chargers[cell](numbers)
        except InputError as error:
            return failed(self._job, design, End.CANNOT_BE_BUILT, str(error))


class Recording:
    """Charges designs and packs each record: what travels to the caller is what is kept."""

    def __init__(self, make: "Make", job: Job) -> None:
        self._charge, self._kept = make(job), (job.observables, job.extras)
        self.about = getattr(self._charge, "about", {})
        self.prepare = getattr(self._charge, "prepare", None)

    def __call__(self, design: Design) -> Block:
        """Charge one design; return its record, a block of one row."""
        return pack([self._charge(design)], *self._kept)


Make = Callable[[Job], Callable[[Design], Charge]]
"""What a solver process builds; another than `Charging` in tests of faults."""


def simulate(run: str, job: Job, designs: Sequence[Design], make: Make = Charging) -> tuple[Block, Any]:
    """Charge some designs; return their records, and what they were made with.

    ``run`` names whose solver processes they are, for `end_solvers`.
    """
    with _solver(run, job, make) as solver:
        try:
            blocks = [
                pack([_lost(job, design, answer)], job.observables, job.extras)
                if isinstance(answer, Lost)
                else answer
                for design, answer in zip(designs, solver(designs), strict=True)
            ]
        except OSError as error:  # no room, no process to be had: not the cluster's loss, for Dask
            raise RuntimeError(f"a worker could not run its solver process: {error}") from error
        return stacked(blocks), solver.about


def failed(job: Job, design: Design, end: End, message: str) -> Charge:
    """The record of a design whose simulation gave nothing."""
    cell, numbers = variant(job.cell, design)
    return nothing(float(nominal_capacity(cell, cell.parameters(numbers))), end, message)


def _lost(job: Job, design: Design, lost: Lost) -> Charge:
    return failed(job, design, End.TIME_LIMIT if lost.hung else End.WORKER_DIED, lost.message)


IDLE = 60.0
"""Seconds after which an idle solver process of another run, whose caller may be gone, is ended."""

_guard = threading.Lock()
_idle: dict[str, list[tuple[float, Guarded]]] = {}
_all: dict[str, list[Guarded]] = {}
_over: set[str] = set()


@contextmanager
def _solver(run: str, job: Job, make: Make) -> Iterator[Guarded]:
    """Lend a solver process of this run to one thread; there are as many as threads ask at once."""
    with _guard:
        if run in _over:
            raise ClosedError("the run is over")
        idle = _idle.setdefault(run, [])
        stale = [] if idle else _left_behind(run)
        if not idle:
            new = Guarded(Recording, (make, job), job.time_limit)
            _all.setdefault(run, []).append(new)
            idle.append((time.monotonic(), new))
        _, solver = idle.pop()
    for other in stale:
        other.close()
    try:
        yield solver
    finally:
        with _guard:
            idle.append((time.monotonic(), solver))


def _left_behind(run: str) -> list[Guarded]:
    """Take solver processes of other runs that nobody has asked for a while."""
    found = []
    for other in _idle.keys() - {run}:
        stale = [entry for entry in _idle[other] if time.monotonic() - entry[0] > IDLE]
        for entry in stale:
            _idle[other].remove(entry)
            _all[other].remove(entry[1])
            found.append(entry[1])
    return found


def end_solvers(run: str) -> None:
    """End every solver process of a run in this process, busy or idle."""
    with _guard:
        _over.add(run)
        _idle.pop(run, None)
        solvers = _all.pop(run, [])
    for solver in solvers:
        solver.close()
