"""The sweeps of a study in their stores: filled, looked at, and single rows made again."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import xarray as xr

from electrograd.console import Reporter
from electrograd.physics.charge import End, told
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.validity import warnings_for
from electrograd.physics.variables import C_RATE
from electrograd.study import MAIN, Study
from electrograd.sweep_view import compare_lines
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.filling import check_same, identity_of, writing
from electrograd.sweeps.location import Location, check_writable
from electrograd.sweeps.provenance import cell_identity
from electrograd.sweeps.record import pack
from electrograd.sweeps.runner import run_pending
from electrograd.sweeps.solver import Guarded, Lost
from electrograd.sweeps.store import SweepStore
from electrograd.sweeps.worker import Charging, Job

AGREEING = 100
"""A design made again agrees if it is within so many times the solver's relative tolerance."""


class StudySweep:
    """One sweep of a study and its store.

    Parameters
    ----------
    study
        Whose sweep it is.
    folder
        The study's folder; its stores lie there unless the study says where.
    reporter
        Where progress is told.
    name
        "" for the main sweep, or one of the study's further sweeps.

    Raises
    ------
    InputError
        For an unknown name.
    """

    def __init__(self, study: Study, folder: Path, reporter: Reporter, name: str = MAIN) -> None:
        self.study, self.folder, self.reporter = study, folder, reporter
        self.sweep = study.sweep_of(name)
        file = f"sweep-{name}.zarr" if name else "sweep.zarr"
        home = f"{study.store.rstrip('/')}/{study.name}" if study.store else str(folder)
        self.place = f"{home}/{file}"

    @property
    def begun(self) -> bool:
        """Whether there is a store."""
        return Location(self.place).holds_something()

    @property
    def store(self) -> SweepStore:
        """The store, open for reading; raises `InputError` if there is none."""
        return SweepStore(self.place)

    @property
    def data(self) -> xr.Dataset:
        """The store as xarray sees it, without reading it; raises `InputError` as `store`."""
        return self.store.to_xarray()

    def opened(self) -> AbstractContextManager[SweepStore]:
        """The store, open to be filled, made or enlarged if need be; see `writing`."""
        return writing(self.place, self.sweep.plan(), self._identity, self.sweep.batch)

    def fill(
        self, workers: int | None = None, scheduler: str | None = None, retry: bool = False
    ) -> SweepStore:
        """Simulate the designs that have no end yet; see `run_pending`. Return the store.

        Every step of a study begins here, so that one whose results could not be written is refused
        before it has cost anything, also where the store lies elsewhere.
        """
        check_writable(self.folder)
        sweep, plan = self.sweep, self.sweep.plan()
        self._warn()
        with self.opened() as store:
            what = f"Simulating {sweep.name}" if sweep.name else "Simulating"
            with self.reporter.progress(what) as update:
                run_pending(
                    store,
                    plan.space,
                    self._job,
                    workers,
                    scheduler,
                    lambda done, total, ends: update(done, total, told(ends)),
                    designs=len(plan),
                    retry=retry,
                )
        return self.store

    def dataset(self, workers: int | None = None, scheduler: str | None = None) -> Dataset:
        """Fill the store; return the designs that the study asks for: it may hold more."""
        return self.fill(workers, scheduler).read(len(self.sweep.plan()))

    def rerun(self, row: int) -> tuple[list[str], bool]:
        """Simulate one stored design again; return what compares, in lines, and whether it agrees.

        Raises
        ------
        InputError
            For a row that is not there or was not simulated, or a study that is not the store's.
        """
        store, sweep = self.store, self.sweep
        check_same(store, identity_of(sweep.plan(), self._identity))
        if not 0 <= row < len(store):
            nearest = min(max(row, 0), len(store) - 1)
            raise InputError("a row must be one of the sweep's, from 0", row, nearest)
        store.check_whole(slice(row, row + 1))
        stored = self.data.isel(design=slice(row, row + 1))
        if not stored["end"].values[0]:
            raise InputError("a design must have been simulated before it can be compared", f"row {row}")
        solver = Guarded(Charging, (self._job,), sweep.time_limit)
        try:
            (answer,) = solver([sweep.space.decode(store.design_values[row])])
        finally:
            solver.close()
        if isinstance(answer, Lost):
            end = End.TIME_LIMIT if answer.hung else End.WORKER_DIED
            same = int(stored["end"].values[0]) == end
            return [f"{'again' if same else 'this time'} {end.label}: {answer.message}"], same
        again = pack([answer], sweep.observables, sweep.extras)
        rtol = AGREEING * SolverSettings.rtol
        return compare_lines(stored, again, rtol=rtol, atol=rtol)

    @property
    def _job(self) -> Job:
        sweep = self.sweep
        return Job(
            sweep.cell,
            sweep.scenario,
            self.study.solver,
            sweep.time_limit,
            sweep.observables,
            sweep.fidelity,
            sweep.extras,
        )

    @property
    def _identity(self) -> dict[str, Any]:
        sweep = self.sweep
        return {
            "cell": cell_identity(sweep.cell),
            "scenario": sweep.scenario.to_dict(),
            "fidelity": sweep.fidelity,
            "solver": self.study.solver.to_dict(),
            "observables": list(sweep.observables),
            **({"extras": list(sweep.extras)} if sweep.extras else {}),
        }

    def _warn(self) -> None:
        """Say what the study asks of the cell's parameter set beyond what is known of it."""
        study, scenario = self.study, self.sweep.scenario
        rates = [scenario.c_rate, *(rate for _, rate in scenario.later_stages)]
        rates += [study.space.axis(C_RATE).upper] if C_RATE in study.variables else []
        for warning in warnings_for(
            study.cell, max(rates), scenario.temperature, heated=scenario.cooling is not None
        ):
            self.reporter.say(f"Note: {warning}")
