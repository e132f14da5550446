"""Single designs simulated in a process of their own, which is ended when a solve hangs."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue
from typing import NamedTuple, Protocol

from electrograd.physics.cell import Cell
from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import DesignSimulator, Simulated, failed
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.sweeps.solver import Guarded, Lost

Aims = tuple[str, ...] | None


class Simulator(Protocol):
    """What a process makes for a mesh: `DesignSimulator`, or less in tests of faults."""

    def prepare(self, aims: Aims) -> None:
        """Build what is needed for such aims."""

    def __call__(self, design: Mapping[str, float], aims: Aims) -> Simulated:
        """Simulate one design."""


class _Asked(NamedTuple):
    design: dict[str, float]
    aims: Aims
    settings: SolverSettings


class _Simulators:
    """What the process runs: a simulator for each mesh, made when it is first asked for."""

    def __init__(
        self,
        make: Callable[..., Simulator],
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        others: dict[str, Scenario],
    ) -> None:
        self._make = lambda mesh: make(cell, scenario, mesh, others)
        self._made = {settings: self._make(settings)}

    def prepare(self, asked: _Asked) -> None:
        """Build the models that are needed: that does not count towards a design's time limit."""
        if asked.settings not in self._made:
            self._made[asked.settings] = self._make(asked.settings)
        self._made[asked.settings].prepare(asked.aims)

    def __call__(self, asked: _Asked) -> Simulated:
        return self._made[asked.settings](asked.design, asked.aims)


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
    others
        Further scenarios, by name, as for `DesignSimulator`.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        time_limit: float,
        make: Callable[..., Simulator] = DesignSimulator,
        others: Mapping[str, Scenario] | None = None,
    ) -> None:
        self.cell, self._settings, self._others = cell, settings, dict(others or {})
        arguments = (make, cell, scenario, settings, self._others)
        self._guarded = Guarded(_Simulators, arguments, time_limit)

    def __enter__(self) -> "GuardedSimulator":
        return self

    def __exit__(self, *error: object) -> None:
        self._guarded.close()

    def __call__(
        self, design: Mapping[str, float], aims: Aims = None, settings: SolverSettings | None = None
    ) -> Simulated:
        """Simulate one design; see `DesignSimulator`. One that cannot be built is recorded as such.

        Parameters
        ----------
        aims
            Figures of merit that are wanted, all by default.
        settings
            Another mesh than its own.

        Raises
        ------
        InputError
            For a cell or a scenario that cannot be simulated at all.
        RuntimeError
            For an error of our own in the process, or one that does not start.
        """
        (answer,) = self._guarded([_Asked(dict(design), aims, settings or self._settings)])
        if isinstance(answer, Lost):
            end = End.TIME_LIMIT if answer.hung else End.WORKER_DIED
            return failed(self.cell, design, end, answer.message, self._others)
        if isinstance(answer, InputError):
            return failed(self.cell, design, End.CANNOT_BE_BUILT, str(answer), self._others)
        simulated: Simulated = answer
        return simulated


class SimulatorPool:
    """Several `GuardedSimulator` side by side, each begun when it is first needed.

    Use it in a ``with`` statement, which ends their processes.

    Parameters
    ----------
    make
        Makes one.
    processes
        How many at most.
    """

    def __init__(self, make: Callable[[], GuardedSimulator], processes: int) -> None:
        self._idle: LifoQueue[GuardedSimulator] = LifoQueue()  # who asks for one gets the warm one
        self._all = [make() for _ in range(processes)]
        for simulator in self._all:
            self._idle.put(simulator)

    def __enter__(self) -> "SimulatorPool":
        return self

    def __exit__(self, *error: object) -> None:
        for simulator in self._all:
            simulator.__exit__(*error)

    def __call__(
        self,
        designs: Sequence[Mapping[str, float]],
        aims: Aims = None,
        settings: SolverSettings | None = None,
    ) -> list[Simulated]:
        """Simulate designs, in their order, as a `GuardedSimulator` does."""

        def one(design: Mapping[str, float]) -> Simulated:
            simulator = self._idle.get()
            try:
                return simulator(design, aims, settings)
            finally:
                self._idle.put(simulator)

        with ThreadPoolExecutor(len(self._all)) as threads:
            return list(threads.map(one, designs))
