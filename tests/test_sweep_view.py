import io
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from rich.console import Console
from sweep_data import NAMES, made_up, some

from electrograd.console import Pace, Reporter, duration
from electrograd.physics.charge import VOLTAGE, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import C_RATE, N_P_RATIO, PLATING_MARGIN
from electrograd.sweep_classes import axes_of, classes_of, most_telling, thinned
from electrograd.sweep_figure import draw_sweep
from electrograd.sweep_view import compare_lines, row_lines, status_lines

ENDS = some(voltage_cut_off=30, electrolyte_depleted=40, solver_failure=7, time_limit=1, pending=22)


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    before=st.integers(0, 1000),
    rate=st.floats(0.01, 500.0),
    batch=st.integers(1, 16),
    preparing=st.floats(0.0, 100.0),
)
def test_the_rate_is_of_what_is_done_now(before: int, rate: float, batch: int, preparing: float) -> None:
    """What an earlier run did does not count, nor the time until the work is said to begin."""
    clock = Clock()
    pace = Pace(clock)
    pace.update(before)
    clock.now += preparing
    pace.update(before)
    assert pace.told(before + 10**6) == ""
    for k in range(1, 30):
        clock.now += batch / rate
        pace.update(before + k * batch)
    assert pace.rate == pytest.approx(rate)


def test_the_rate_follows_a_change_of_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    for done in range(100):
        pace.update(done)
        clock.now += 1.0 if done < 50 else 4.0
    assert pace.rate == pytest.approx(0.25)
    assert pace.told(199) == "4.0 s each, 6.7 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (42.4, "42 s"),
        (119.0, "119 s"),
        (150.0, "2.5 min"),
        (7200.0, "2.0 h"),
        (4e5, "4.6 days"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Reporter(clock=clock).progress("Simulating") as update:
        for done in range(40, 2001, 40):
            update(done, 2000, f"{done} voltage cut-off, 0 failed")
            clock.now += 1.0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Simulating: 40/2000; 40 voltage cut-off, 0 failed"
    assert lines[1] == "Simulating: 240/2000, 40.0 a second, 44 s left; 240 voltage cut-off, 0 failed"
    assert lines[-1] == "Simulating: 2000/2000 in 49 s; 2000 voltage cut-off, 0 failed"
    assert len(lines) == 11
    with Reporter(clock=clock).progress("Training") as update:
        update(5, 5, "")
    with Reporter(quiet=True).progress("Training") as update:
        update(1, 5, "")
    assert capsys.readouterr().err == "Training: 5/5 in 0.0 s\n"


@pytest.mark.parametrize("width", [60, 120])
def test_the_bar_tells_the_same_on_any_terminal(width: int) -> None:
    clock, screen = Clock(), io.StringIO()
    reporter = Reporter(clock=clock)
    reporter._console = Console(file=screen, force_terminal=True, width=width)
    with reporter.progress("Simulating") as update:
        update(0, 2000, "")
        clock.now += 10
        update(100, 2000, "60 voltage cut-off, 40 electrolyte depleted, 0 failed")
    said = " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", " ", screen.getvalue()).split())
    assert said.endswith(
        "100/2000 10.0 a second, 3.2 min left; 60 voltage cut-off, 40 electrolyte depleted, 0 failed"
    )


def test_status() -> None:
    data = made_up(ENDS)
    lines = status_lines(data, None)
    assert lines[0] == "78 of 100 designs simulated (78.0 %)"
    assert [line.split() for line in lines[1:3]] == [
        ["40", "electrolyte", "depleted"],
        ["30", "voltage", "cut-off"],
    ]
    failed = [row for row, end in enumerate(ENDS) if end is End.SOLVER_FAILURE]
    assert lines[3].endswith(f"7  solver failure: rows {', '.join(map(str, failed[:5]))}, …")
    assert lines[4].endswith(f"1  time limit: row {ENDS.index(End.TIME_LIMIT)}")
    assert lines[5].startswith("8 failed: see why with --row")
    assert lines[6] == "15 designs were drawn and left out:"
    assert lines[7].split(maxsplit=1) == ["12", "cannot be built"]
    assert lines[9] == "78 made with electrograd 0.1.0, pybamm 26.10"
    assert lines[10:] == [
        "No process is writing to it now.",
        "To simulate the other 22: the same command without --status.",
    ]
    assert status_lines(data, "process 12 on here")[-1] == "process 12 on here is writing to it now"


def test_status_is_not_done_before_it_is() -> None:
    almost = made_up([End.PENDING] + [End.VOLTAGE_CUT_OFF] * 2999)
    assert status_lines(almost, None)[0] == "2,999 of 3,000 designs simulated (99.9 %)"
    whole = made_up([End.VOLTAGE_CUT_OFF] * 3)
    assert status_lines(whole, None)[0] == "3 of 3 designs simulated (100.0 %)"
    assert status_lines(whole, None)[-1] == "No process is writing to it now."
    assert "0 failed" in status_lines(made_up([End.PENDING] * 3), None)


def test_a_row_in_words() -> None:
    data = made_up(ENDS)
    row = ENDS.index(End.VOLTAGE_CUT_OFF)
    text = "\n".join(row_lines(data, row))
    told = [line.split("  ")[1:] for line in row_lines(data, row)]
    thickness = 1e6 * float(data["design_values"].values[row, 1])
    shape = ["slit", "hole"][int(data["design_values"].values[row, 3])]
    assert [told[2][0], told[2][-1].strip()] == ["Positive electrode thickness", f"{thickness:.6g} µm"]
    assert [told[4][0], told[4][-1].strip()] == ["Channel shape", shape]
    assert "voltage cut-off\n" in text
    assert f"{1e3 * float(data[PLATING_MARGIN][row]):.6g} mV" in text
    assert "Made with electrograd 0.1.0, pybamm 26.10\n  fidelity: p2d" in text
    failed = "\n".join(row_lines(data, ENDS.index(End.SOLVER_FAILURE)))
    assert "solver failure (failed)" in failed
    assert "nan" not in failed
    pending = row_lines(data, ENDS.index(End.PENDING))
    assert pending[0].endswith("of 100, not simulated yet")
    assert len(pending) == 1 + len(NAMES)
    for wrong, nearest in ((-1, 0), (100, 99)):
        with pytest.raises(
            InputError, match=f"from 0 to 99; received: {wrong}; nearest valid: {nearest}"
        ):
            row_lines(data, wrong)


def again(data: xr.Dataset, row: int) -> dict[str, np.ndarray]:
    names = [name for name in data.data_vars if name not in ("design_values", "made_with")]
    return {str(name): data[name].values[row : row + 1].copy() for name in names}


def test_the_same_again_is_said_to_be_the_same() -> None:
    data = made_up(ENDS)
    for end in (End.VOLTAGE_CUT_OFF, End.SOLVER_FAILURE):  # NaN is the same as NaN
        row = ENDS.index(end)
        lines, agrees = compare_lines(data.isel(design=[row]), again(data, row), 1e-6, 1e-9)
        assert agrees
        assert (
            lines[0]
            == f"the same bit for bit: {len(again(data, row))} of {len(again(data, row))} quantities"
        )
        assert len(lines) == 2
    assert compare_lines(data.isel(design=row), again(data, row), 0.0, 0.0)[1]


@given(shift=st.floats(-8, 0), tolerance=st.floats(-8, 0))
def test_a_difference_is_found_and_judged(shift: float, tolerance: float) -> None:
    data = made_up([End.VOLTAGE_CUT_OFF])
    new = again(data, 0)
    new[VOLTAGE][0, 17] += 10.0**shift
    stored, moved = float(data[VOLTAGE].values[0, 17]), float(new[VOLTAGE][0, 17])
    lines, agrees = compare_lines(data, new, 0.0, 10.0**tolerance)
    assert agrees == (abs(moved - stored) <= 10.0**tolerance)
    assert f"Voltage: largest difference {abs(moved - stored):.2g} V" in lines[1]
    assert ("BEYOND" in lines[1]) != agrees
    assert ("NOT" in lines[-1]) != agrees


def test_other_ends_and_holes_never_agree() -> None:
    data = made_up([End.VOLTAGE_CUT_OFF])
    new = again(data, 0)
    new["end"][0] = End.SOLVER_FAILURE
    lines, agrees = compare_lines(data, new, 1.0, 1e9)
    assert not agrees
    assert "end: stored voltage cut-off, now solver failure" in lines
    new = again(data, 0)
    new[VOLTAGE][0, 3] = np.nan
    assert not compare_lines(data, new, 1.0, 1e9)[1]
    new = again(data, 0)
    new["message"][0] = "other words"
    assert compare_lines(data, new, 0.0, 0.0)[1]


def test_the_variable_that_decides_is_found() -> None:
    """Planted: the third variable alone decides, by a window that no mean or trend would show."""
    data = made_up([End.VOLTAGE_CUT_OFF] * 400)
    rate = data["design_values"].values[:, 2]
    data["end"][:] = np.where(abs(rate - 2.2) < 0.5, End.ELECTROLYTE_DEPLETED, End.VOLTAGE_CUT_OFF)
    axes = axes_of(data)
    assert most_telling(axes, classes_of(data["end"].values, rate))[0] == NAMES.index(C_RATE)


@given(few=st.integers(0, 30), pending=st.integers(0, 5))
def test_every_design_is_in_one_class(few: int, pending: int) -> None:
    """Where all ended alike, in one band of accepted share; failures are always drawn."""
    ends = np.array(some(voltage_cut_off=few, pending=pending, worker_died=2), np.int8)
    share = np.random.default_rng(few).uniform(30, 40, len(ends))
    share[ends == End.WORKER_DIED] = np.nan
    classes = classes_of(ends, share)
    assert np.all(sum(one.rows.astype(int) for one in classes) == 1)
    assert len(thinned(classes, len(ends))[-1].rows) == 2


@pytest.mark.parametrize(
    ("ends", "names"),
    [
        (ENDS, NAMES),
        (ENDS, (N_P_RATIO,)),
        ([End.VOLTAGE_CUT_OFF], NAMES),
        ([End.SOLVER_FAILURE] * 3, (N_P_RATIO, C_RATE)),
        ([End.PENDING] * 3, NAMES),
    ],
)
def test_a_picture_of_any_sweep(ends: list[End], names: tuple[str, ...], tmp_path: Path) -> None:
    draw_sweep(made_up(ends, names), tmp_path / "sweep.png")
    assert imread(tmp_path / "sweep.png").std() > 0.05
    assert [file.name for file in tmp_path.iterdir()] == ["sweep.png"]


def test_a_picture_of_many_designs_on_a_log_axis(tmp_path: Path) -> None:
    data = made_up(some(voltage_cut_off=19_000, charge_target=900, solver_failure=20))
    data.attrs["identity"]["variables"] = [[C_RATE, {"log": [0.5, 4.0]}]]
    axes = axes_of(data)
    assert [axis.log for axis in axes] == [False, False, True, False]
    assert np.ptp(np.diff(np.log(axes[2].edges))) < 1e-12
    drawn = sum(
        len(one.rows) for one in thinned(classes_of(data["end"].values, np.ones(19_920)), 19_920)
    )
    assert 2500 < drawn < 3500
    draw_sweep(data, tmp_path / "sweep.png")


def test_a_picture_is_a_png(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.png"):
        draw_sweep(made_up(ENDS), tmp_path / "sweep.jpeg")
