"""Run the pending designs of a sweep on worker processes, storing each batch as it ends."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import numpy as np
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from electrograd.physics.charge import Charge, End
from electrograd.physics.figures import nothing
from electrograd.sweeps.dataset import BATCH, SweepStore
from electrograd.sweeps.processes import own_main, without_interrupts
from electrograd.sweeps.worker import Job, simulate

Progress = Callable[[int, int, dict[str, int]], None]
"""Called with designs done, designs in all, and the count of each end in words."""

Simulate = Callable[[Job, list[dict[str, float]]], list[Charge]]


class WorkersLostError(RuntimeError):
    """No worker process could be had for a minute."""


def run_pending(
    store: SweepStore,
    names: tuple[str, ...],
    job: Job,
    workers: int | None = None,
    progress: Progress = lambda done, total, ends: None,
    simulate: Simulate = simulate,
) -> int:
    """Simulate every design of the store that has no end yet.

    Workers are fresh processes that import nothing of the caller's script. One that dies is replaced;
    the designs of its batch are then tried one at a time, and a design that ends its worker again is
    recorded as such.

    Parameters
    ----------
    store
        Where designs come from and records go to.
    names
        The design variables, in the order of the store's columns.
    job
        What the simulations have in common.
    workers
        Number of processes; by default one for each core this process may use.
    simulate
        What a worker runs; for tests of faults.

    Returns
    -------
    int
        How many designs were simulated now.
    """
    ends, values = store.ends, store.design_values
    starts = [i for i in range(0, len(ends), BATCH) if np.any(ends[i : i + BATCH] == End.PENDING)]
    progress(int(np.sum(ends != End.PENDING)), len(ends), _count(ends))
    if not starts:
        return 0

    def designs(start: int) -> list[dict[str, float]]:
        rows = values[start : start + BATCH]
        return [dict(zip(names, map(float, row), strict=True)) for row in rows]

    def save(start: int, charges: list[Charge]) -> None:
        store.write(start, charges)
        ends[start : start + BATCH] = [charge.end for charge in charges]
        progress(int(np.sum(ends != End.PENDING)), len(ends), _count(ends))

    pending = int(np.sum(ends == End.PENDING))
    count = min(workers or CPU_COUNT, len(starts))
    with _cluster(count) as client:
        futures = {client.submit(simulate, job, designs(i), pure=False): i for i in starts}
        suspects = []
        for future in as_completed(list(futures), raise_errors=False):
            start = futures.pop(future)
            charges = _result(future)
            if charges is None:
                suspects.append(start)
            else:
                save(start, charges)
        for start in suspects:
            save(start, [_alone(client, simulate, job, design) for design in designs(start)])
    return pending


def _alone(client: Client, simulate: Simulate, job: Job, design: dict[str, float]) -> Charge:
    """Simulate one design of a batch whose worker died, and record it if it dies again."""
    began = time.monotonic()
    charges = _result(client.submit(simulate, job, [design], pure=False))
    if charges is not None:
        return charges[0]
    hung = time.monotonic() - began >= job.time_limit
    end = End.TIME_LIMIT if hung else End.WORKER_DIED
    message = f"ended after {job.time_limit:g} s" if hung else "the worker process died twice"
    return nothing(job.cell, design, end, message)


def _result(future: "Future[Any]") -> list[Charge] | None:
    """Return a batch's records, or None if its worker died; an error in our own code is raised."""
    try:
        records: list[Charge] = future.result()
    except KilledWorker:
        return None
    except (NoWorkerError, NoValidWorkerError) as error:
        raise WorkersLostError(
            "worker processes could not be started; what was simulated is kept"
        ) from error
    return records


def _count(ends: np.ndarray) -> dict[str, int]:
    counts = {end: int(np.sum(ends == end)) for end in End if end is not End.PENDING}
    return {end.label: count for end, count in counts.items() if count}


@contextmanager
def _cluster(workers: int) -> Iterator[Client]:
    """Start local worker processes, one thread each, and end them afterwards."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), 1)
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.no-workers-timeout": "60s",
        "distributed.nanny.pre-spawn-environ": one_thread,
    }
    with dask.config.set(settings), own_main():
        with without_interrupts():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                memory_limit=0,
            )
        with cluster, Client(cluster) as client:
            yield client
