"""Measured curves are understood, or refused with a sentence that helps."""

from pathlib import Path

import numpy as np
import pytest

from electrograd.design.measured import (
    MeasuredCurve,
    check_empty,
    check_scale,
    read_curve,
    read_curves,
)
from electrograd.design.thinning import spread_evenly
from electrograd.physics.errors import InputError

TIME = np.linspace(0.0, 3600.0, 121)
VOLTAGE = 3.0 + 1.1 * (TIME / 3600) ** 0.5
CURRENT = np.full_like(TIME, 5.0)


def write(
    path: Path,
    header: str = "Time [s],Current [A],Voltage [V]",
    time: np.ndarray = TIME,
    current: np.ndarray = CURRENT,
    voltage: np.ndarray = VOLTAGE,
    separator: str = ",",
    decimal: str = ".",
) -> Path:
    rows = zip(time, current, voltage, strict=True)
    lines = [separator.join(f"{x:.9g}".replace(".", decimal) for x in row) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "scales"),
    [
        ("Time [s],Current [A],Voltage [V]", (1, 1, 1)),
        ("time,current,voltage", (1, 1, 1)),
        ("Test Time / s,Current / A,Voltage / V", (1, 1, 1)),  # the Battery Data Format, by label
        ("test_time_second,current_ampere,voltage_volt", (1, 1, 1)),  # and by machine-readable name
        ("TIME(h),I(mA),U(mV)", (3600, 1e-3, 1e-3)),
        ("time/s,I/mA,Ecell/V", (1, 1e-3, 1)),
        ("Total Time (min),Current(A),Voltage(V)", (60, 1, 1)),
        ("Test Time (sec),Amps,Volts", (1, 1, 1)),
    ],
)
def test_names_and_units_are_understood(
    tmp_path: Path, header: str, scales: tuple[float, float, float]
) -> None:
    time, current, voltage = (x / s for x, s in zip((TIME, CURRENT, VOLTAGE), scales, strict=True))
    curve = read_curve(write(tmp_path / "a.csv", header, time, current, voltage))
    assert curve.current == pytest.approx(5.0)
    assert curve.charge[-1] == pytest.approx(5.0)
    np.testing.assert_allclose(curve.voltage, VOLTAGE, rtol=1e-6)


def test_other_separators_preambles_and_clock_times(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "t;u;i", TIME, VOLTAGE, CURRENT, ";", ",")
    path.write_text("Cycler 7; Kanal 3\n\n" + path.read_text())
    assert read_curve(path).charge[-1] == pytest.approx(5.0)
    clock = [f"{int(t // 3600)}:{int(t % 3600 // 60):02d}:{t % 60:05.2f}" for t in TIME]
    rows = [f"{t}\t{i}\t{v}" for t, i, v in zip(clock, CURRENT, VOLTAGE, strict=True)]
    path.write_text("Total Time\tCurrent(A)\tVoltage(V)\n" + "\n".join(rows))
    assert read_curve(path).charge[-1] == pytest.approx(5.0)


def test_rest_hold_and_sign_are_understood(tmp_path: Path) -> None:
    """A rest before, a hold of the voltage after, and a cycler that counts charges as negative."""
    hold = np.linspace(30.0, 1800.0, 60)
    time = np.concatenate([[0.0, 30.0, 60.0], 90 + TIME, 90 + 3600 + hold, [6000.0]])
    current = -np.concatenate([[0, 0, 0], CURRENT, 5 * np.exp(-hold / 600), [0]])
    voltage = np.concatenate([[2.9] * 3, VOLTAGE, [VOLTAGE[-1]] * 60, [4.0]])
    curve = read_curve(write(tmp_path / "a.csv", time=time, current=current, voltage=voltage))
    assert curve.current == pytest.approx(5.0)
    assert curve.rest == pytest.approx(2.9)
    # The step from the last reading at rest carried charge, too.
    assert curve.charge[-1] == pytest.approx(5.0 * (3600 + 30) / 3600)
    assert len(curve.charge) == len(TIME)
    assert any("hold of the voltage is left out" in note for note in curve.notes)
    assert any("taken as a charge" in note for note in curve.notes)


def changed(array: np.ndarray, where: slice | int, value: object) -> np.ndarray:
    found = array.copy()
    found[where] = value
    return found


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"time": changed(TIME, 60, 1000.0)}, "time must not run back"),
        ({"time": changed(TIME, slice(60, None), TIME[60:] + 1500)}, "no gaps while the current flows"),
        ({"voltage": VOLTAGE[::-1]}, "from 4.1 to 3 V: a discharge"),
        ({"current": 0 * CURRENT}, "must have a current"),
        ({"current": changed(CURRENT, slice(40, 60), 3.0)}, "constant to 1 %"),
        ({"current": changed(CURRENT, slice(40, 60), 0.0)}, "one charge and nothing else but rest"),
        ({"voltage": VOLTAGE - 0.5 * (TIME > 1800)}, "the voltage of a charge at constant current must"),
        ({"header": "Time [s],Current [kW],Voltage [V]"}, "unit of current must be one of a, "),
        ({"header": "Time [s],Temperature [K],Voltage [V]"}, "no column of current"),
    ],
)
def test_what_cannot_be_a_charge_is_refused(
    tmp_path: Path, change: dict[str, np.ndarray], sentence: str
) -> None:
    with pytest.raises(InputError, match=r"a\.csv") as error:
        read_curve(write(tmp_path / "a.csv", **change))  # type: ignore[arg-type]
    assert sentence in str(error.value)


def test_few_readings_and_files_that_are_none_are_refused(tmp_path: Path) -> None:
    short = {"time": TIME[:12], "current": CURRENT[:12], "voltage": VOLTAGE[:12]}
    with pytest.raises(InputError, match="20 readings"):
        read_curve(write(tmp_path / "a.csv", **short))
    with pytest.raises(InputError, match="must be a file"):
        read_curve(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_text("Time [s],Current [A],Voltage [V]\n")
    with pytest.raises(InputError, match="must have readings"):
        read_curve(tmp_path / "b.csv")


def test_one_rate_only_is_refused_and_rates_are_sorted(tmp_path: Path) -> None:
    fast = write(tmp_path / "fast.csv")
    slow = write(tmp_path / "slow.csv", time=2 * TIME, current=CURRENT / 2)
    assert [curve.name for curve in read_curves([fast, slow])] == ["slow.csv", "fast.csv"]
    with pytest.raises(InputError, match=r"two different rates .* fast.csv: 5 A"):
        read_curves([fast, fast])


def test_a_unit_that_is_not_said_is_suspected(tmp_path: Path) -> None:
    area, capacity, rates = 0.1, 50.0, (0.3, 2.0)  # 5 A.h in all
    check_scale(read_curve(write(tmp_path / "a.csv")), area, capacity, rates)
    milli = read_curve(write(tmp_path / "a.csv", "t,i,u", current=1000 * CURRENT))
    with pytest.raises(InputError, match=r"'Current \[mA\]' as the column's name"):
        check_scale(milli, area, capacity, rates)
    hours = read_curve(write(tmp_path / "a.csv", "t,i,u", time=TIME / 3600))
    with pytest.raises(InputError, match=r"'Time \[h\]' as the column's name"):
        check_scale(hours, area, capacity, rates)
    with pytest.raises(InputError, match=r"'area \[m2\]' of the electrodes"):
        check_scale(read_curve(write(tmp_path / "a.csv")), area / 20, capacity, rates)


def test_a_charge_that_does_not_start_from_empty_is_refused(tmp_path: Path) -> None:
    curve = read_curve(write(tmp_path / "a.csv"))
    check_empty(curve, 2.9, 0.03, 0.5)
    with pytest.raises(InputError, match=r"2.300 V at rest .* 3.000 V in its first reading"):
        check_empty(curve, 2.3, 0.03, 0.5)


def test_noise_is_read_off_the_readings() -> None:
    rng = np.random.default_rng(3)
    voltage = VOLTAGE + 2e-3 * rng.normal(size=len(TIME))
    curve = MeasuredCurve("a", 5.0, TIME / 720, voltage, np.nan, (), {})
    assert 1.5e-3 < curve.noise < 2.5e-3
    assert MeasuredCurve("a", 5.0, TIME / 720, VOLTAGE, np.nan, (), {}).noise == 1e-4


def test_thinning_keeps_the_ends_and_the_steep_part() -> None:
    voltage = np.where(TIME < 180, 2.6 + TIME / 180, 3.6 + 0.1 * TIME / 3600)
    rows = spread_evenly(TIME, voltage, 40)
    assert len(rows) == 40
    assert np.all(np.diff(rows) > 0)
    assert rows[-1] == len(TIME) - 1
    assert np.sum(TIME[rows] < 200) >= 6  # a twentieth of the charge, nearly half of the voltage
    assert len(spread_evenly(TIME, voltage, 500)) == len(TIME) - 1


def test_thinning_does_not_look_at_the_noise() -> None:
    """Readings that were taken for being high would make every curve higher than it is."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(400, len(TIME)))
    taken = [row[spread_evenly(TIME, VOLTAGE + 2e-3 * row, 40)] for row in noise]
    assert abs(np.mean(taken)) < 3 / np.sqrt(400 * 40)
