"""Single designs simulated in a process of their own, which is ended when a solve hangs."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue

from electrograd.physics.cell import Cell
from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import DesignSimulator, Simulated, failed
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.sweeps.solver import Guarded, Lost

Simulator = Callable[[Mapping[str, float]], Simulated]


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
        self.cell, self._others = cell, dict(others or {})
        arguments = (cell, scenario, settings, *([self._others] if others else []))
        self._guarded = Guarded(make, arguments, time_limit)

    def __enter__(self) -> "GuardedSimulator":
        return self

    def __exit__(self, *error: object) -> None:
        self._guarded.close()

    def __call__(self, design: Mapping[str, float]) -> Simulated:
        """Simulate one design; see `DesignSimulator`. One that cannot be built is recorded as such.

        Raises
        ------
        InputError
            For a cell or a scenario that cannot be simulated at all.
        RuntimeError
            For an error of our own in the process, or one that does not start.
        """
        (answer,) = self._guarded([dict(design)])
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

    def __call__(self, designs: Sequence[Mapping[str, float]]) -> list[Simulated]:
        """Simulate designs, in their order; raises what `GuardedSimulator` does."""
        with ThreadPoolExecutor(len(self._all)) as threads:
            return list(threads.map(self._one, designs))

    def _one(self, design: Mapping[str, float]) -> Simulated:
        simulator = self._idle.get()
        try:
            return simulator(design)
        finally:
            self._idle.put(simulator)
