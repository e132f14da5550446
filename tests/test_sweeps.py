import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT, electrograd
from faults import Hanging, fake, refuse, wrong
from hypothesis import given
from hypothesis import strategies as st

from electrograd.physics.cell import Cell
from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.figures import DesignSimulator
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import N_P_RATIO, NEGATIVE_POROSITY, POSITIVE_THICKNESS
from electrograd.sweeps.dataset import BATCH, SweepStore, decode_message, encode_message
from electrograd.sweeps.guard import GuardedSimulator
from electrograd.sweeps.runner import run_pending
from electrograd.sweeps.space import DesignSpace, check_box
from electrograd.sweeps.worker import Job
from electrograd.sweeps.worker import simulate as simulate_designs

SPACE = DesignSpace.from_bounds({N_P_RATIO: (1.05, 1.3), NEGATIVE_POROSITY: (0.2, 0.5)})
JOB = Job(Cell.load("Chen2020"), Scenario(1.0), SolverSettings(), time_limit=3.0)


def make_store(path: Path, designs: int = 10) -> SweepStore:
    return SweepStore.open_or_create(path, SPACE.names, SPACE.sobol(designs, seed=3), {"rate": 1.0})


@given(seed=st.integers(0, 1000), few=st.integers(1, 40))
def test_more_designs_begin_with_the_same(seed: int, few: int) -> None:
    np.testing.assert_array_equal(SPACE.sobol(64, seed)[:few], SPACE.sobol(few, seed))
    assert np.all(SPACE.sobol(64, seed) >= SPACE.lower)
    assert np.all(SPACE.sobol(64, seed) <= SPACE.upper)


@pytest.mark.parametrize(
    ("bounds", "nearest"),
    [
        ((40.0, 75.0), r"\[4e-05, 7.5e-05\]"),
        ((75e-6, 40e-6), r"\[4e-05, 7.5e-05\]"),
        ((0.0, 75e-6), r"\[5e-06"),
    ],
)
def test_impossible_bounds_are_refused_with_the_nearest(
    bounds: tuple[float, float], nearest: str
) -> None:
    with pytest.raises(InputError, match=nearest):
        DesignSpace.from_bounds({POSITIVE_THICKNESS: bounds})


def test_faults_cost_only_the_faulty_designs(tmp_path: Path) -> None:
    """A design that crashes its process and one that hangs are recorded; all others run."""
    values = np.array([[1.1, e] for e in (0.3, 0.495, 0.4, 0.35, 0.31, 0.21, 0.41, 0.36, 0.45)])
    store = SweepStore.open_or_create(tmp_path / "s.zarr", SPACE.names, values, {})
    seen: list[int] = []
    ran = run_pending(
        store, SPACE.names, JOB, 2, lambda done, total, ends: seen.append(done), simulate=fake
    )
    assert ran == 9
    expected = [End.VOLTAGE_CUT_OFF] * 9
    expected[1], expected[5] = End.WORKER_DIED, End.TIME_LIMIT
    assert list(store.ends) == expected
    data = store.read()
    assert data.messages[5] == "ended after 3 s"
    assert data.messages[0] == "ok"
    assert data.completed.sum() == 7
    assert np.isnan(data.charge[1]).all()
    np.testing.assert_allclose(data.charge[0, -1], 3.0)
    assert seen == sorted(seen)
    assert seen[-1] == 9
    assert run_pending(store, SPACE.names, JOB, 2, simulate=fake) == 0


def test_an_error_of_our_own_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run_pending(make_store(tmp_path / "s.zarr"), SPACE.names, JOB, 1, simulate=wrong)


def test_the_watchdog_ends_a_hanging_solve(tmp_path: Path) -> None:
    """With no time to solve in, the real worker is ended from compiled code and recorded."""
    store = make_store(tmp_path / "s.zarr", designs=1)
    job = Job(Cell.load("Chen2020"), Scenario(1.0), SolverSettings(), time_limit=0.001)
    run_pending(store, SPACE.names, job, 1)
    assert list(store.ends) == [End.TIME_LIMIT]


def test_a_store_of_another_sweep_is_refused(tmp_path: Path) -> None:
    make_store(tmp_path / "s.zarr")
    with pytest.raises(
        InputError, match=r"was made with rate = 1.0.*received: rate = 2.0; nearest valid: 1.0"
    ):
        SweepStore.open_or_create(tmp_path / "s.zarr", SPACE.names, SPACE.sobol(10, 3), {"rate": 2.0})


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    make_store(tmp_path / "s.zarr")
    (tmp_path / "s.zarr" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="must be a sweep of this program; move it away"):
        make_store(tmp_path / "s.zarr")
    (tmp_path / "s.zarr" / "zarr.json").unlink()
    with pytest.raises(InputError, match="must be a sweep of this program; move it away"):
        make_store(tmp_path / "s.zarr")


def test_a_store_half_made_by_a_kill_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "s.zarr.partial" / "end").mkdir(parents=True)
    assert np.all(make_store(tmp_path / "s.zarr").ends == End.PENDING)


def test_xarray_reads_the_store(tmp_path: Path) -> None:
    import xarray as xr

    make_store(tmp_path / "s.zarr")
    with xr.open_zarr(tmp_path / "s.zarr", consolidated=False) as data:
        assert data.sizes == {"design": 10, "variable": 2, "point": 33, "byte": 200}
        assert data.attrs["variables"] == list(SPACE.names)


@given(st.text(max_size=300))
def test_messages_survive(message: str) -> None:
    message = message.replace("\0", "")
    found = decode_message(encode_message(message))
    assert message.startswith(found)
    assert len(found.encode()) > 196 or found == message


def test_kill_and_resume_repeats_nothing(tmp_path: Path) -> None:
    """`kill -9` in the middle of a sweep: what was done is not written again, and the rest runs."""
    text = (ROOT / "studies" / "fast_charge.yaml").read_text().replace("designs: 256", "designs: 64")
    (tmp_path / "study.yaml").write_text(text)
    path = tmp_path / "runs" / "fast_charge" / "sweep.zarr"
    process = subprocess.Popen(
        [sys.executable, "-m", "electrograd", "sweep", "-q", "study.yaml"], cwd=tmp_path
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if path.exists() and np.sum(SweepStore(path).ends != End.PENDING) >= 3 * BATCH:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = np.flatnonzero(SweepStore(path).ends != End.PENDING)
    assert 0 < len(done) < 64
    chunks = [path / "Voltage [V]" / "c" / str(batch) / "0" for batch in {row // BATCH for row in done}]
    before = {chunk: chunk.stat().st_mtime_ns for chunk in chunks}
    again = electrograd("sweep", "study.yaml", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "64 designs" in again.stdout
    assert f"Simulating: {len(done)}/64" in again.stderr
    assert {chunk: chunk.stat().st_mtime_ns for chunk in chunks} == before
    ends = SweepStore(path).ends
    assert not np.any(ends == End.PENDING)


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
    path = tmp_path / "runs" / "fast_charge" / "sweep.zarr"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not path.exists():
        time.sleep(0.02)
    time.sleep(3.0)  # while workers start, which is when they used to complain
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.strip() == "stopped; what is done is kept, and the same command goes on from there"
    deadline = time.monotonic() + 15
    while living(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert living(process.pid) == []


def living(session: int) -> list[str]:
    """Command lines of the processes of a session that are not mere zombies."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def test_a_single_design_that_hangs_is_ended_and_recorded(cell: Cell) -> None:
    guarded = GuardedSimulator(cell, Scenario(1.0), SolverSettings(), 1.0, Hanging)
    with guarded as simulate:
        began = time.monotonic()
        hung = simulate({NEGATIVE_POROSITY: 0.21})
        assert time.monotonic() - began < 30
        died = simulate({NEGATIVE_POROSITY: 0.495})
        refused = simulate({NEGATIVE_POROSITY: 0.3})
        with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
            simulate({NEGATIVE_POROSITY: 0.4})
    assert (hung.charge.end, died.charge.end) == (End.TIME_LIMIT, End.WORKER_DIED)
    assert refused.charge.end is End.CANNOT_BE_BUILT
    assert "a rule; received: 0.3" in refused.charge.message
    assert "ended after 1 s" in hung.charge.message
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
    job = Job(cell, Scenario(1.0), SolverSettings(points=6), 60.0)
    fine, wrong = simulate_designs(job, [{NEGATIVE_POROSITY: 0.3}, {NEGATIVE_POROSITY: 1.2}])
    assert fine.end is End.VOLTAGE_CUT_OFF
    assert wrong.end is End.CANNOT_BE_BUILT
    assert not wrong.end.completed
    assert np.isnan(wrong.accepted)


def test_every_corner_of_a_small_box_is_looked_at() -> None:
    names = {
        "Negative electrode porosity": (0.2, 0.5),
        "Negative channel pitch [m]": (50e-6, 100e-6),
        "Negative channel width over pitch": (0.05, 0.21),
    }
    tight = Cell.load("Chen2020", Structure.of(names, mass="conserved"))
    with pytest.raises(InputError, match="can be built: porosity between channels"):
        check_box(tight, DesignSpace.from_bounds(names), drawn=1)
