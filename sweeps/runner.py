"""Run the pending designs of a sweep on Dask workers, storing each batch as it ends."""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any
from uuid import uuid4

import dask
import numpy as np
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from electrograd.physics.charge import COMPLETED, End
from electrograd.physics.errors import InputError
from electrograd.sweeps.provenance import versions
from electrograd.sweeps.record import END, Block, pack, stacked
from electrograd.sweeps.space import DesignSpace
from electrograd.sweeps.store import SweepStore
from electrograd.sweeps.worker import Charging, Design, Job, Make, end_solvers, failed, simulate

Progress = Callable[[int, int, dict[str, int]], None]
"""Called with designs done, designs in all, and the count of each end in words."""

AHEAD, SHARES = 2, 8
"""Parts that the scheduler holds for each worker thread, and in how many a thread takes what is left."""
CONNECTING, PARTING = 10.0, 5.0
"""Seconds that a scheduler may take to answer, and workers to end their solver processes."""

_logger = logging.getLogger("electrograd")


class WorkersLostError(RuntimeError):
    """The cluster is gone; what was simulated is kept."""


def run_pending(
    store: SweepStore,
    space: DesignSpace,
    job: Job,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = lambda done, total, ends: None,
    *,
    designs: int | None = None,
    retry: bool = False,
    make: Make = Charging,
) -> int:
    """Simulate the designs of the store that have no end yet.

    Solver processes are fresh interpreters that import nothing of the caller's script. One that dies is
    replaced and its design tried again; a design that ends its process twice, or outlasts the time
    limit, is recorded as such.

    Parameters
    ----------
    store
        Where designs come from and records go to, open to be filled.
    space
        What the columns of the store's designs mean.
    job
        What the simulations have in common.
    workers
        Number of processes on this machine; by default one for each core this process may use.
    scheduler
        Address of a Dask scheduler (``tcp://…``) whose workers do it instead.
    designs
        Only the first so many of the store's.
    retry
        Also simulate again what failed before: it may have been the machine.
    make
        What a solver process builds; for tests of faults.

    Returns
    -------
    int
        How many designs were simulated now.

    Raises
    ------
    InputError
        If no scheduler answers, its workers have other versions, or the cell cannot be simulated.
    WorkersLostError
        If the cluster goes away.
    OSError
        If the store cannot be written.
    """
    ends, values = store.ends[:designs], store.design_values[:designs]
    pending = ends == End.PENDING
    if retry:
        pending |= ~np.isin(ends, COMPLETED)
    rows = np.flatnonzero(pending)
    counts, left = Counter(ends[~pending].tolist()), rows.size

    def tell() -> None:
        progress(len(ends) - left, len(ends), {End(end).label: n for end, n in counts.items()})

    tell()
    if not left:
        return 0
    batches = np.split(rows, np.flatnonzero(np.diff(rows // store.batch)) + 1)

    run = uuid4().hex
    with _client(run, min(workers or CPU_COUNT, left), scheduler) as client:
        for batch, block, made_with in _Batches(client, run, space, values, job, make).results(batches):
            _check_versions(made_with)
            store.write(batch, block, made_with)
            counts.update(block[END].tolist())
            left -= len(batch)
            tell()
    return int(rows.size)


class _Batches:
    """Batches on their way through a cluster, a few for each worker thread at a time."""

    def __init__(
        self, client: Client, run: str, space: DesignSpace, values: np.ndarray, job: Job, make: Make
    ) -> None:
        self._client, self._run, self._job, self._make = client, run, job, make
        self._space, self._values, self._threads = space, values, 1

    def results(self, batches: list[np.ndarray]) -> Iterator[tuple[np.ndarray, Block, Any]]:
        """Yield each batch's rows, records, and what they were made with, as they end.

        Workers get smaller parts of a batch towards the end, so that none waits long for the others.
        """
        waiting = self._parts(batches)
        running: dict[Future, tuple[int, np.ndarray]] = {}
        found: dict[int, list[_Part]] = defaultdict(list)
        completed = as_completed(raise_errors=False)

        def submit(k: int, rows: np.ndarray) -> None:
            future = self._submit(rows)
            running[future] = k, rows
            completed.add(future)

        def fill() -> None:
            self._threads = self._count_threads()
            for k, rows in islice(waiting, max(0, AHEAD * self._threads - len(running))):
                submit(k, rows)

        fill()
        for future in completed:
            k, rows = running.pop(future)
            result = _result(future)
            fill()
            if result is None and len(rows) > 1:  # which of them it was, each alone will tell
                for row in rows:
                    submit(k, row[None])
                continue
            found[k].append((rows, *(result or self._died(rows))))
            if sum(len(part[0]) for part in found[k]) == len(batches[k]):
                yield from _joined(found.pop(k))

    def _parts(self, batches: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        left = sum(map(len, batches))
        for k, batch in enumerate(batches):
            first = 0
            while first < len(batch):
                size = max(1, left // (SHARES * self._threads))
                yield k, batch[first : first + size]
                left -= len(batch[first : first + size])
                first += size

    def _count_threads(self) -> int:
        """Worker threads; a cluster may grow meanwhile."""
        with _told_of_loss():
            return max(1, sum(self._client.nthreads().values()))

    def _submit(self, batch: np.ndarray) -> Future:
        designs = self._designs(batch)
        return self._client.submit(simulate, self._run, self._job, designs, self._make, pure=False)

    def _designs(self, batch: np.ndarray) -> list[Design]:
        return [self._space.decode(row) for row in self._values[batch]]

    def _died(self, batch: np.ndarray) -> tuple[Block, dict[str, Any]]:
        """The record of a design that took its Dask workers with it, one after the other."""
        (design,) = self._designs(batch)
        charge = failed(self._job, design, End.WORKER_DIED, "its Dask workers died")
        return pack([charge], self._job.observables, self._job.extras), {}


_Part = tuple[np.ndarray, Block, Any]


def _joined(parts: list[_Part]) -> Iterator[_Part]:
    """Put the parts of a batch together, those that were made with the same."""
    parts.sort(key=lambda part: int(part[0][0]))
    while parts:
        made_with = parts[0][2]
        alike = [part for part in parts if part[2] == made_with]
        parts = [part for part in parts if part[2] != made_with]
        yield (
            np.concatenate([rows for rows, _, _ in alike]),
            stacked([b for _, b, _ in alike]),
            made_with,
        )


def _result(future: Future) -> tuple[Block, Any] | None:
    """Return a batch's records, or None if its Dask workers died; our own errors are raised."""
    with _told_of_loss():
        try:
            found: tuple[Block, Any] = future.result()
        except KilledWorker:
            return None
        return found


@contextmanager
def _told_of_loss() -> Iterator[None]:
    """Raise `WorkersLostError` for what Dask says when its scheduler is gone."""
    try:
        yield
    except (CancelledError, OSError) as error:  # CommClosedError is one
        raise WorkersLostError("the Dask scheduler went away; what was simulated is kept") from error


def _check_versions(made_with: Any) -> None:
    theirs = made_with.get("versions", {})
    for name, version in versions().items() if theirs else []:
        if theirs.get(name) != version:
            raise InputError(
                f"workers must run the same versions as here; one has {name} {theirs.get(name)}",
                theirs.get(name),
                version,
            )


@contextmanager
def _client(run: str, workers: int, scheduler: str | None) -> Iterator[Client]:
    """Connect to a scheduler, or start one here; end the solver processes afterwards."""
    # The scheduler keeps long logs of every transition by default: memory that grows with a sweep.
    short = {"distributed.admin.log-length": 100, "distributed.admin.low-level-log-length": 100}
    with dask.config.set(short):
        if scheduler is None:
            # Dask's workers are threads here that only hand out: the solver processes do the work.
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=False,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                memory_limit=0,
            )
            with cluster, Client(cluster) as client:
                try:
                    yield client
                finally:
                    end_solvers(run)
            return
        try:
            client = Client(scheduler, timeout=CONNECTING)
        except (OSError, ValueError) as error:
            raise InputError(
                "a Dask scheduler must answer at the address given", scheduler, "tcp://host:8786"
            ) from error
        with client:
            if not client.nthreads():
                _logger.warning("no worker has joined %s yet; waiting", scheduler)
            try:
                yield client
            finally:
                _part(client, run)


def _part(client: Client, run: str) -> None:
    """End this run's solver processes on the cluster; a worker that does not answer ends its own."""

    def end() -> None:
        with suppress(CancelledError, OSError):
            client.run(end_solvers, run)

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    thread.join(PARTING)
