"""Single designs simulated in a process of their own, which is ended when a solve hangs."""

from collections.abc import Callable, Mapping

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
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        time_limit: float,
        make: Callable[[Cell, Scenario, SolverSettings], Simulator] = DesignSimulator,
    ) -> None:
        self.cell = cell
        self._guarded = Guarded(make, (cell, scenario, settings), time_limit)

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
            return failed(self.cell, design, end, answer.message)
        if isinstance(answer, InputError):
            return failed(self.cell, design, End.CANNOT_BE_BUILT, str(answer))
        simulated: Simulated = answer
        return simulated
