"""Faults, each on a real store: afterwards it holds what an undisturbed run leaves, bit for bit."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from conftest import HANGS, ROOT, electrograd, until
from faults import (
    IDENTITY,
    LOG,
    SPACE,
    Fake,
    Hanging,
    Older,
    Slow,
    Surroundings,
    Wrong,
    fill,
    job,
    plan,
    refuse,
)
from test_store import same

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURVES, End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import DesignSimulator
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.variables import NEGATIVE_POROSITY
from electrograd.sweeps.filling import writing
from electrograd.sweeps.guard import GuardedSimulator
from electrograd.sweeps.location import Location
from electrograd.sweeps.plan import Plan
from electrograd.sweeps.record import pack
from electrograd.sweeps.runner import WorkersLostError, run_pending
from electrograd.sweeps.store import SweepStore
from electrograd.sweeps.worker import Charging, Job

KILLS = 20


def undisturbed(place: Path, designs: int) -> SweepStore:
    """What an undisturbed sweep of fakes leaves, without the processes."""
    fake = Fake(job())
    with writing(place, plan(designs), IDENTITY, batch=4) as store:
        for first in range(0, designs, 4):
            rows = np.arange(first, min(first + 4, designs))
            charges = [fake(SPACE.decode(store_row)) for store_row in plan(designs).values[rows]]
            store.write(rows, pack(charges, CURVES), Fake.about)
    return SweepStore(place)


def run(place: Path, designs: int, make: Any = Fake, **more: Any) -> int:
    with writing(place, plan(designs), IDENTITY, batch=4) as store:
        return run_pending(store, SPACE, job(), 2, make=make, **more)


def solvers(parent: int | None = None) -> list[psutil.Process]:
    """Solver processes that live below a process, ours by default."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if any("sweeps.solver" in part for part in process.cmdline()):
                    found.append(process)
    return found


def done(place: Path) -> np.ndarray:
    """Designs of the store that have an end; none while it is being made."""
    try:
        store = SweepStore(place)
    except InputError as error:
        if "there is no sweep" in str(error) or "still being made" in str(error):
            return np.empty(0)
        raise
    return store.design_values[store.ends != End.PENDING][:, 1]


def test_kill_the_main_process_at_random_moments(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    """`kill -9`, twenty times: the store stays readable, what is done stays, nothing is done twice."""
    place, log = tmp_path / "s.zarr", tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    # Forked from a process that has imported everything, so that most moments fall into the work.
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["electrograd.sweeps.runner", "electrograd.sweeps.filling", "pybamm"])
    # Some while the store is made and solvers start; most once the first design is simulated.
    moments = np.random.default_rng(0).uniform(0.0, 0.5, KILLS)
    designs, seen = 1000, []  # all moments together hold 870 of them, were starting to cost nothing
    for turn, moment in enumerate(moments):
        before = set(done(place))
        log.write_text("")
        # One worker mostly, for it starts in half the time of two.
        process = fork.Process(target=fill, args=(str(place), designs, 1 if turn % 4 else 2))
        process.start()
        if turn == KILLS // 2:  # and a second writer is refused while the first one lives
            while Location(place).writer() is None:
                time.sleep(0.05)
            with pytest.raises(InputError, match="one process at a time may write"):
                run(place, designs)
        while turn >= KILLS // 4 and not log.stat().st_size:
            time.sleep(0.005)
        time.sleep(moment)
        process.kill()
        process.join()
        wait_for_no_solvers_in_the_log(log)
        again = {float(line) for line in log.read_text().splitlines()}
        assert not again & before
        seen.append(len(done(place)))
        assert before <= set(done(place))
    assert seen == sorted(seen)
    assert 0 < seen[-1] < designs
    assert len(set(seen)) > KILLS / 2  # the kills did fall into the work
    assert run(place, designs) == designs - seen[-1]
    assert "damaged" not in caplog.text
    same(SweepStore(place), undisturbed(tmp_path / "whole.zarr", designs))


def wait_for_no_solvers_in_the_log(log: Path) -> None:
    """Orphaned solvers end by themselves, after the design in hand."""
    size = -1
    while size != log.stat().st_size:
        size = log.stat().st_size
        time.sleep(0.05)


@pytest.mark.parametrize("all_of_them", [False, True])
def test_kill_workers(tmp_path: Path, all_of_them: bool) -> None:
    """`kill -9` of one at work, or of all: what they had in hand runs again."""
    place, designs, killed = tmp_path / "s.zarr", 200, []

    def kill(done: int, *told: Any) -> None:
        if done > 50 and not killed:
            killed.extend(solvers()[: None if all_of_them else 1])
            for process in killed:
                process.kill()

    assert run(place, designs, Slow, progress=kill) == designs
    assert len(killed) == (2 if all_of_them else 1)
    same(SweepStore(place), undisturbed(tmp_path / "whole.zarr", designs))


def test_faults_cost_only_the_faulty_designs(tmp_path: Path) -> None:
    """A design that crashes its process and one that hangs are recorded; all others run."""
    values = np.array([[1.1, e] for e in (0.3, 0.495, 0.4, 0.35, 0.31, 0.21, 0.41, 0.36, 0.45)])
    faulty = Plan(SPACE, values, {"kind": "csv"}, {})
    seen: list[int] = []
    with writing(tmp_path / "s.zarr", faulty, IDENTITY, batch=4) as store:
        ran = run_pending(
            store, SPACE, job(1.0), 2, progress=lambda n, total, ends: seen.append(n), make=Fake
        )
        assert ran == 9
        expected = [End.VOLTAGE_CUT_OFF] * 9
        expected[1], expected[5] = End.WORKER_DIED, End.TIME_LIMIT
        assert list(store.ends) == expected
        assert run_pending(store, SPACE, job(1.0), 2, make=Fake) == 0
        # What failed can be asked for again, and only that.
        assert run_pending(store, SPACE, job(1.0), 2, make=Fake, retry=True) == 2
        assert list(store.ends) == expected
    data = SweepStore(tmp_path / "s.zarr").read()
    assert data.messages[5] == "ended after 1 s"
    assert data.messages[1] == "it died 2 times"
    assert data.messages[0] == "ok"
    assert data.completed.sum() == 7
    assert np.isnan(data.charge[1]).all()
    assert data.figures["Nominal areal capacity [A.h.m-2]"][1] > 10
    np.testing.assert_allclose(data.charge[0, -1], 3.0)
    assert seen == sorted(seen)
    assert seen[-1] == 9


def test_solvers_keep_to_one_thread_and_off_accelerators(tmp_path: Path) -> None:
    run(tmp_path / "s.zarr", 1, Surroundings)
    assert SweepStore(tmp_path / "s.zarr").read().messages == ["1 1 1 cpu"]


def test_an_error_of_our_own_is_raised(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        run(tmp_path / "s.zarr", 10, Wrong)
    assert not solvers()
    with pytest.raises(InputError, match="no such cell"):
        run(tmp_path / "s.zarr", 10, refuse)
    with pytest.raises(InputError, match="workers must run the same versions"):
        run(tmp_path / "s.zarr", 10, Older)
    assert done(tmp_path / "s.zarr").size == 0


def test_the_watchdog_ends_a_hanging_solve(tmp_path: Path, cell: Cell) -> None:
    """With no time to solve in, the real solver is ended from compiled code and recorded."""
    with writing(tmp_path / "s.zarr", plan(1), IDENTITY) as store:
        run_pending(store, SPACE, Job(cell, Scenario(1.0), SolverSettings(), 0.001), 1)
        assert list(store.ends) == [End.TIME_LIMIT]


@pytest.mark.parametrize("after", [0, 3, 40, 77])
def test_a_full_disk(tmp_path: Path, monkeypatch: Any, after: int) -> None:
    """The disk fills up after some writes: an error, and when there is room again it goes on."""
    from zarr.storage import LocalStore

    place, put, writes = tmp_path / "s.zarr", LocalStore.set, 0
    if after:
        undisturbed(tmp_path / "whole.zarr", 40)
        with writing(place, plan(40), IDENTITY, batch=4):
            pass

    async def full(self: Any, key: str, value: Any) -> None:
        nonlocal writes
        writes += 1
        if writes > after:
            raise OSError(28, "No space left on device")
        await put(self, key, value)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "set", full)
        with pytest.raises(OSError, match="No space left"):
            run(place, 40)
    finished = len(done(place))
    assert finished < 40
    assert run(place, 40) == 40 - finished
    same(SweepStore(place), undisturbed(tmp_path / "again.zarr", 40))


def test_kill_and_resume_of_the_command(tmp_path: Path) -> None:
    """`kill -9` in the middle of a real sweep: what was done is not written again, and the rest runs."""
    text = (ROOT / "studies" / "fast_charge.yaml").read_text().replace("designs: 256", "designs: 64")
    (tmp_path / "study.yaml").write_text(text)
    path = tmp_path / "runs" / "fast_charge" / "sweep.zarr"
    process = subprocess.Popen(
        [sys.executable, "-m", "electrograd", "sweep", "-q", "study.yaml"], cwd=tmp_path
    )
    until(lambda: (path / "end" / "c.0").exists() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = np.flatnonzero(SweepStore(path).ends != End.PENDING)
    assert 0 < len(finished) < 64
    chunks = [path / "Voltage [V]" / f"c.{batch}.0" for batch in {row // 16 for row in finished}]
    before = {chunk: chunk.stat().st_mtime_ns for chunk in chunks}
    again = electrograd("sweep", "study.yaml", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "64 designs" in again.stdout
    assert f"Simulating: {len(finished)}/64" in again.stderr
    assert {chunk: chunk.stat().st_mtime_ns for chunk in chunks} == before
    assert not np.any(SweepStore(path).ends == End.PENDING)


def test_ctrl_c_stops_in_good_order(tmp_path: Path) -> None:
    """As a terminal sends it: to every process of the group. One line, no traceback, no orphan."""
    # A shell's background jobs ignore Ctrl-C, and so would what they start: these tests may be in one.
    ours = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "electrograd", "sweep", "-q", "fast_charge"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    until(lambda: bool(solvers(process.pid)) or process.poll() is not None)
    time.sleep(1.0)  # while solvers start
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=HANGS)
    assert process.returncode == 1
    assert said.strip() == "stopped; what is done is kept, and the same command goes on from there"
    until(lambda: not living(process.pid), pause=0.1)


def living(session: int) -> list[str]:
    """Command lines of the processes of a session that are not mere zombies."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers as on machines of their own: process groups that share only loopback."""
    file = folder / "scheduler.json"
    paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def start(what: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", what, *arguments, "--no-dashboard"],
            env=environment,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder,
        )

    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))]
    try:
        for node in range(workers):
            host = f"127.0.0.{node + 2}"
            started.append(
                start("worker", "--scheduler-file", str(file), "--host", host, "--nthreads", "1")
            )
        until(file.exists)
        yield json.loads(file.read_text())["address"], started
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_two_nodes_leave_the_same_store(tmp_path: Path, cell: Cell) -> None:
    """Real simulations: on this machine's processes, on two nodes, and one of the nodes killed."""
    work = Job(cell, Scenario(1.0), SolverSettings(points=10), 60.0)
    places = [tmp_path / name for name in ("here.zarr", "there.zarr")]
    with cluster(tmp_path) as (address, started):
        for place, where in zip(places, (None, address), strict=True):
            with writing(place, plan(24), IDENTITY, batch=2) as store:
                assert run_pending(store, SPACE, work, 2, where) == 24
                assert store.made_with[0]["fidelity"] == "p2d"
                assert "Doyle1993" in store.made_with[0]["papers to cite"]
        same(*(SweepStore(place) for place in places))
        assert not solvers(started[1].pid)  # the cluster is left as it was

        def kill(*progress: Any) -> None:
            if progress[0] > 50 and started[1].poll() is None:
                os.killpg(started[1].pid, signal.SIGKILL)

        with writing(tmp_path / "node.zarr", plan(200), IDENTITY, batch=4) as store:
            assert run_pending(store, SPACE, job(), 2, address, kill, make=Slow) == 200
        assert started[1].poll() is not None
        same(SweepStore(tmp_path / "node.zarr"), undisturbed(tmp_path / "whole.zarr", 200))

        def end(*progress: Any) -> None:
            if progress[0] > 50:
                os.killpg(started[0].pid, signal.SIGKILL)

        gone = pytest.raises(WorkersLostError, match="what was simulated is kept")
        with writing(tmp_path / "gone.zarr", plan(200), IDENTITY, batch=4) as store, gone:
            run_pending(store, SPACE, job(), 2, address, end, make=Slow)
        assert 50 < len(done(tmp_path / "gone.zarr")) < 200


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1"])
def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: Any, address: str) -> None:
    monkeypatch.setattr("electrograd.sweeps.runner.CONNECTING", 1.0)
    with pytest.raises(InputError, match="a Dask scheduler must answer at the address given"):
        run(tmp_path / "s.zarr", 10, scheduler=address)


def test_a_single_design_that_hangs_is_ended_and_recorded(cell: Cell) -> None:
    guarded = GuardedSimulator(cell, Scenario(1.0), SolverSettings(), 3.0, Hanging)
    with guarded as simulate:
        hung = simulate({NEGATIVE_POROSITY: 0.21})
        died = simulate({NEGATIVE_POROSITY: 0.495})
        refused = simulate({NEGATIVE_POROSITY: 0.3})
        with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
            simulate({NEGATIVE_POROSITY: 0.4})
    assert (hung.charge.end, died.charge.end) == (End.TIME_LIMIT, End.WORKER_DIED)
    assert refused.charge.end is End.CANNOT_BE_BUILT
    assert "a rule; received: 0.3" in refused.charge.message
    assert "ended after 3 s" in hung.charge.message
    assert np.isnan(hung.figures["Plating margin [V]"])


def test_a_guarded_simulation_is_the_simulation(cell: Cell) -> None:
    arguments = (cell, Scenario(1.0), SolverSettings(points=8))
    with GuardedSimulator(*arguments, 60.0) as simulate:
        assert simulate({}).figures == DesignSimulator(*arguments)({}).figures


def test_a_cell_that_cannot_be_simulated_is_an_error_at_once(cell: Cell) -> None:
    guarded = GuardedSimulator(cell, Scenario(1.0), SolverSettings(), 5.0, refuse)
    with guarded as simulate, pytest.raises(InputError, match="no such cell"):
        simulate({})


def test_what_cannot_be_built_is_recorded_in_a_sweep(cell: Cell) -> None:
    charging = Charging(Job(cell, Scenario(1.0), SolverSettings(points=6), 60.0))
    fine, wrong = charging({NEGATIVE_POROSITY: 0.3}), charging({NEGATIVE_POROSITY: 1.2})
    assert fine.end is End.VOLTAGE_CUT_OFF
    assert wrong.end is End.CANNOT_BE_BUILT
    assert not wrong.end.completed
    assert np.isnan(wrong.accepted)
