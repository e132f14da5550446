"""Single designs simulated in a process of their own, which is ended when a solve hangs."""

import multiprocessing
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from electrograd.physics.cell import Cell
from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import DesignSimulator, Simulated, failed
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.sweeps.processes import own_main, without_interrupts

Simulator = Callable[[Mapping[str, float]], Simulated]
START_UP = 120.0
"""Seconds that a process may take to import and to build its models."""


class GuardedSimulator:
    """`DesignSimulator` behind a time limit that holds in compiled code too.

    Use it in a ``with`` statement, which ends its process.

    Parameters
    ----------
    cell, scenario, settings
        As for `DesignSimulator`.
    time_limit
        Seconds that one design may take; one that takes longer is recorded as such.
    make
        What the process builds; for tests of faults.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        time_limit: float,
        make: Callable[[Cell, Scenario, SolverSettings], Simulator] = DesignSimulator,
    ) -> None:
        self._arguments = (cell, scenario, settings)
        self.cell, self.time_limit, self._make = cell, time_limit, make
        self._process: Any = None
        self._connection: Any = None

    def __enter__(self) -> "GuardedSimulator":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def __call__(self, design: Mapping[str, float]) -> Simulated:
        """Simulate one design; see `DesignSimulator`. One that cannot be built is recorded as such.

        Raises
        ------
        InputError
            For a cell or a scenario that cannot be simulated at all.
        RuntimeError
            For an error of our own in the process, or one that does not start.
        """
        if self._process is None:
            self._start()
        try:
            self._connection.send(dict(design))
            if not self._connection.poll(self.time_limit):
                self._end()
                return failed(self.cell, design, End.TIME_LIMIT, f"ended after {self.time_limit:g} s")
            answer = self._answer()
        except (EOFError, OSError):
            self._end()
            return failed(self.cell, design, End.WORKER_DIED, "the process died")
        except InputError as error:
            return failed(self.cell, design, End.CANNOT_BE_BUILT, str(error))
        return answer

    def _answer(self) -> Any:
        """What the process says; an error of its own is raised here."""
        answer = self._connection.recv()
        if isinstance(answer, InputError):
            raise answer
        if isinstance(answer, Broken):
            self._end()
            raise RuntimeError(f"an error in the simulating process:\n{answer.traceback}")
        return answer

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        arguments = (theirs, self._make, *self._arguments)
        self._process = spawn.Process(target=_serve, args=arguments, daemon=True)
        with own_main(), without_interrupts():
            self._process.start()
        theirs.close()
        # Building does not count: a design's limit is its own.
        if not self._connection.poll(START_UP):
            self._end()
            raise RuntimeError(f"the simulating process did not start within {START_UP:g} s")
        try:
            self._answer()
        except InputError:
            self._end()
            raise

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


class Broken:
    """An error that nobody foresaw, on its way between processes."""

    def __init__(self) -> None:
        self.traceback = traceback.format_exc()


def _serve(connection: Connection, make: Callable[..., Simulator], *arguments: Any) -> None:
    """Simulate what comes until the other end is closed; what goes wrong is told there."""
    try:
        simulate = make(*arguments)
        connection.send("ready")
        while True:
            try:
                connection.send(simulate(connection.recv()))
            except InputError as error:
                connection.send(error)
    except EOFError:
        return
    except InputError as error:
        connection.send(error)
    except Exception:  # told to the other process, which raises it
        connection.send(Broken())
