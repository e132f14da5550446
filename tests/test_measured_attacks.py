"""Files of cyclers that could be misread without a word are read right, or refused."""

from pathlib import Path

import numpy as np
import pytest

from electrograd.design.measured import read_curve
from electrograd.design.measured_sign import signed
from electrograd.physics.errors import InputError

TIME = np.linspace(0.0, 3600.0, 121)
VOLTAGE = 3.0 + 1.1 * (TIME / 3600) ** 0.5
CURRENT = np.full_like(TIME, 5.0)
CLOCK = [f"{int(t // 3600)}:{int(t % 3600 // 60):02d}:{t % 60:06.3f}" for t in TIME]
# Ten minutes of a discharge behind the charge, under a current without a sign: 44 mV in all.
LATER = np.concatenate([TIME, 3600 + 10.0 * np.arange(1, 61)])
FALLEN = np.concatenate([VOLTAGE, VOLTAGE[-1] - 0.02 - 4e-4 * np.arange(60)])
UNSIGNED = np.full(181, 5.0)


def write(path: Path, header: str, *columns: object, separator: str = ",") -> Path:
    rows = zip(*columns, strict=True)
    lines = [separator.join(x if isinstance(x, str) else f"{x:.9g}" for x in row) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["Ewe - Ece/V", "Ewe\u2212Ece/V", "<Ewe>-<Ece>/V", "Ewe-Ece (V)"])
def test_the_voltage_of_three_electrodes_is_the_cells(tmp_path: Path, name: str) -> None:
    header = f"time/s\tEwe/V\t{name}\tI/mA"
    path = write(tmp_path / "a.mpt", header, TIME, VOLTAGE + 0.1, VOLTAGE, 1e3 * CURRENT, separator="\t")
    np.testing.assert_allclose(read_curve(path).voltage, VOLTAGE, rtol=1e-6)


@pytest.mark.parametrize("name", ["Ewe_Ece/V", "Ewe vs. Ece/V"])
def test_three_electrodes_are_asked_about(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.mpt", f"time/s,Ewe/V,{name},I/A", TIME, VOLTAGE + 0.1, VOLTAGE, CURRENT)
    with pytest.raises(InputError, match="three-electrode file"):
        read_curve(path)


@pytest.mark.parametrize(
    ("name", "charge", "discharge"),
    [("Status", "CHA", "DCH"), ("Chg/Dchg", "Chg", "Dchg"), ("Kind", "x", "y"), ("MD", "C", "D")],
)
def test_a_short_discharge_without_a_sign_is_not_learned(
    tmp_path: Path, name: str, charge: str, discharge: str
) -> None:
    words = [charge] * 121 + [discharge] * 60
    path = write(tmp_path / "a.csv", f"t,i,u,{name}", LATER, UNSIGNED, FALLEN, words)
    with pytest.raises(InputError, match=r"must hold one charge|constant current must rise"):
        read_curve(path)


def test_a_slow_noisy_plateau_is_no_discharge(tmp_path: Path) -> None:
    flat = 3.35 + 0.1 * (TIME / 3600) + 3e-3 * np.random.default_rng(1).normal(size=121)
    read_curve(write(tmp_path / "a.csv", "t,i,u", TIME, CURRENT, flat))


@pytest.mark.parametrize(
    ("header", "columns", "sentence"),
    [
        ("t,i,u,MD", (TIME, CURRENT, VOLTAGE, ["D"] * 121), "must agree with the voltage"),
        ("Time [s],I [A],U [V],U [V]", (TIME, CURRENT, VOLTAGE, VOLTAGE + 0.3), "alone of its name"),
        ("Time [s],I [A],U [V]\nh,A,V", (TIME / 3600, CURRENT, VOLTAGE), "must agree on the unit"),
        ("Time [s],I [A],U [V],x", (TIME, CURRENT, VOLTAGE, ["x" * 200_000] * 121), "at most 100000"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, header: str, columns: tuple[object, ...], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_curve(write(tmp_path / "a.csv", header, *columns))


@pytest.mark.parametrize("current", ["5,000", "5,000.00"])
def test_digits_in_groups_are_no_decimals(tmp_path: Path, current: str) -> None:
    header = "Time [s]\tI [mA]\tU [V]"
    path = write(tmp_path / "a.txt", header, TIME, [current] * 121, VOLTAGE, separator="\t")
    with pytest.raises(InputError, match=r"decimals|finite number"):
        read_curve(path)


def test_an_open_quotation_mark_takes_no_other_lines(tmp_path: Path) -> None:
    remarks = ['"start' if k == 60 else "" for k in range(121)]
    path = write(tmp_path / "a.csv", "Time [s],I [A],U [V],Remark", TIME, CURRENT, VOLTAGE, remarks)
    assert read_curve(path).charge[-1] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("header", "scale"),
    [("Time(h:min:s.ms),Current(mA),Voltage(V)", 1e3), ("时间,电流（mA）,电压（V）", 1e3)],
)
def test_neware_names_are_understood(tmp_path: Path, header: str, scale: float) -> None:
    path = write(tmp_path / "a.csv", header, CLOCK, scale * CURRENT, VOLTAGE)
    assert read_curve(path).charge[-1] == pytest.approx(5.0)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("first", ["( " * 40_000, "(" * 90_000, "x" * 300_000])
def test_a_hostile_line_before_the_header_costs_no_time(tmp_path: Path, first: str) -> None:
    path = write(tmp_path / "a.csv", first + "\nTime [s],I [A],U [V]", TIME, CURRENT, VOLTAGE)
    assert read_curve(path).charge[-1] == pytest.approx(5.0)


def test_decimal_commas_between_commas_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{20 * k},2,5,{2 + k // 60},{6000 + k}" for k in range(60)]
    path.write_text("\n".join(["Time [s],Current [A],Voltage [V]", *rows]))
    with pytest.raises(InputError, match="no more fields than the header"):
        read_curve(path)


def test_a_small_negative_current_at_rest_is_no_sign() -> None:
    """The column of charge and discharge counts all the same."""
    current = np.array([-1e-4, 2.5, 2.5, 2.5])
    signs, said = signed(current, [["R", "C", "C", "D"]])
    assert signs[-1] == -2.5
    assert "has no sign" in said
