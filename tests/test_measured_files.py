"""Files as cyclers and people write them: read, said what was left out, or refused with a reason."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from electrograd.design.measured import check_scale, read_curve
from electrograd.physics.errors import InputError

READINGS = 60
TIME = 20.0 * np.arange(READINGS)
CURRENT = np.where(TIME > 0, 2.5, 0.0)
VOLTAGE = 2.7 + 0.3 * (TIME > 0) + 1.0 * TIME / TIME[-1]
CHARGE = 2.5 * TIME[-1] / 3600  # A.h; the first reading is at rest


def table(
    header: str, columns: str = "tiv", separator: str = ",", decimal: str = ".", **own: list[str]
) -> str:
    """A table of the charge; columns are t, i, v, or names of ``own`` cells."""
    known = {"t": TIME, "i": CURRENT, "v": VOLTAGE}
    cells = {k: [f"{x:.6g}".replace(".", decimal) for x in v] for k, v in known.items()} | own
    rows = zip(*(cells[name] for name in columns), strict=True)
    return "\n".join([header, *map(separator.join, rows)]) + "\n"


def clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"


def dates(pattern: str, start: datetime) -> list[str]:
    return [(start + timedelta(seconds=float(t))).strftime(pattern) for t in TIME]


PLAIN = "Time [s],Current [A],Voltage [V]"
LATE = datetime(2026, 3, 4, 23, 50)
NESTED = [
    "Cycle,Cap\n",
    ",Step,Type\n",
    table(",,Time,Total Time,Current(A),Voltage(V)", "xxttiv", x=[""] * 60),
]
NOTHING = [""] * READINGS
HIGHER = [f"{v + 0.2:.4f}" for v in VOLTAGE]
FILES = {
    "units row": table("Time,Current,Voltage\ns,mA,V", "tmv", m=[f"{1e3 * i:g}" for i in CURRENT]),
    "footer": table(PLAIN) + "\nEnd of test,,\nOperator: none,,\n",
    "empty readings": table(PLAIN) + "1190,,\n1195,NaN,NaN\n1200,2.5,4.01\n",
    "nested rows": "".join(NESTED[:2]) + NESTED[2].replace("\n,,0,", "\n1,5\n,1,CC Chg\n,,0,", 1),
    "clock past midnight": table("Time,I(A),U(V)", "civ", c=[clock((85800 + t) % 86400) for t in TIME]),
    "dates": table("Time,I(A),U(V)", "div", d=dates("%Y-%m-%d %H:%M:%S", LATE)),
    "dates, day first": table("Time,I(A),U(V)", "div", d=dates("%d/%m/%Y %H:%M:%S.%f", LATE)),
    "dates, half days": table(
        "Time,I(A),U(V)", "div", d=dates("%m/%d/%Y %I:%M:%S %p", datetime(2026, 5, 14, 11, 50))
    ),
    "days": table("TestTime\tAmps\tVolts", "div", "\t", d=[f"  0d {clock(t)}" for t in TIME]),
    "decimal commas": table("Zeit [s];Strom [A];Spannung [V]", separator=";", decimal=","),
    "quoted decimal commas": table(
        PLAIN,
        "abc",
        a=[f'"{t:.1f}"'.replace(".", ",") for t in TIME],
        b=[f'"{i:.2f}"'.replace(".", ",") for i in CURRENT],
        c=[f'"{v:.4f}"'.replace(".", ",") for v in VOLTAGE],
    ),
    "bars": table(PLAIN.replace(",", "|"), separator="|"),
    "PyBOP": table("Time [s],Current function [A],Voltage [V]"),
    "PyBaMM": table("Time [s],Current [A],Battery voltage [V]"),
    "Novonix": "[Summary]\nx\n[Data]\n"
    + table("Run Time (h),Current (A),Potential (V)", "hiv", h=[f"{t / 3600:.8f}" for t in TIME]),
    "Digatron": table(
        "Step,Status,Prog Time,Current,Voltage\n,,[s],[A],[V]", "nctiv", n=["1"] * 60, c=["CHA"] * 60
    ),
    "Maccor, signed by its state": table(
        "Rec#,Test (Sec),Amps,Volts,State", "ntivs", n=["1"] * 60, s=["C"] * 60
    ),
    "three electrodes": table("time/s\tEwe/V\tEwe-Ece/V\tI/A", "twvi", "\t", w=HIGHER),
    "working and counter electrode": table(
        "time/s\tEwe/V\tEce/V\tI/A", "twei", "\t", w=HIGHER, e=["0.2"] * 60
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(FILES[name], encoding="utf-8")
    curve = read_curve(path)
    assert curve.current == pytest.approx(2.5)
    assert curve.rest == pytest.approx(2.7, abs=1e-3)
    last = 59 if name != "empty readings" else 60
    assert curve.charge[-1] == pytest.approx(2.5 * 20 * last / 3600, rel=1e-4)
    np.testing.assert_allclose(curve.voltage[:59], VOLTAGE[1:], atol=1e-3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(table("Prüfzeit [s]\tStrom [A]\tSpannung [V]", separator="\t").encode(encoding))
    assert read_curve(path).charge[-1] == pytest.approx(CHARGE)


def test_chinese_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table("总时间,电流(A),电压(V)", "civ", c=[clock(t) for t in TIME]).encode("gbk"))
    assert read_curve(path).charge[-1] == pytest.approx(CHARGE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("units row", "holds the units"),
        ("footer", "A footer is left out, from line 63 on"),
        ("empty readings", "2 rows without a reading are left out"),
        ("nested rows", "2 rows without a reading"),
        ("clock past midnight", "passes midnight"),
        ("dates", "Its times are dates"),
        ("working and counter electrode", "Ewe - Ece"),
    ],
)
def test_what_was_left_out_is_said(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(FILES[name], encoding="utf-8")
    assert any(words in note for note in read_curve(path).notes)


def twice(states: list[str] | None) -> str:
    """A charge and a discharge of the same current, without a sign."""
    voltage = np.concatenate([VOLTAGE, VOLTAGE[::-1][:40]])
    time = 20.0 * np.arange(len(voltage))
    rows = [f"{t:g},2.5,{v:.4f}" for t, v in zip(time, voltage, strict=True)]
    header = "Time [s],Current [A],Voltage [V]"
    if states is None:
        return "\n".join([header, *rows])
    return "\n".join([header + ",C/D", *(f"{r},{s}" for r, s in zip(rows, states, strict=True))])


def test_a_current_without_a_sign_is_signed_or_refused(tmp_path: Path) -> None:
    """Never read as one charge: by the column of charge and discharge, or by the voltage that falls."""
    path = tmp_path / "a.csv"
    path.write_text(twice(["C"] * 60 + ["D"] * 40))
    with pytest.raises(InputError, match=r"charge 1: readings 1 to 60, \+2.5 A.*charges: \{a.csv: 1\}"):
        read_curve(path)
    curve = read_curve(path, number=1)
    assert len(curve.charge) == 60
    assert any("has no sign" in note for note in curve.notes)
    with pytest.raises(InputError, match="one of the 1 in the file"):
        read_curve(path, number=2)
    for states in (None, ["7"] * 100):  # a column that says nothing is none
        path.write_text(twice(states))
        with pytest.raises(InputError, match=r"must rise.*charge \(C\) or discharge \(D\)"):
            read_curve(path)


def test_columns_may_be_named_in_the_study(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table("Kanal 3 [s],Kanal 4 [A],Kanal 5 [V]"))
    with pytest.raises(InputError, match="names under 'columns' of 'identify'"):
        read_curve(path)
    named = {"time": "Kanal 3 [s]", "current": "Kanal 4 [A]", "voltage": "Kanal 5 [V]"}
    assert read_curve(path, named).charge[-1] == pytest.approx(CHARGE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"PAR1rest", "a Parquet file"),
        (b"BIO-LOGIC MODULAR FILE\x1a", "binary BioLogic file"),
        (bytes(range(256)) * 8, "a binary file"),
        (table(PLAIN).replace("2.5", "2.5x", 9).encode(), "every reading of current must be a finite"),
        (table("Time,I(A),U(V)", "xiv", x=["1:1:1:1:1"] * 60).encode(), "every time must be a number"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv") as error:
        read_curve(path)
    assert words in str(error.value)


@pytest.mark.parametrize(("unit", "right", "scale"), [("s", "ms", 1e3), ("s", "h", 1 / 3600)])
def test_the_unit_that_would_be_right_is_offered(
    tmp_path: Path, unit: str, right: str, scale: float
) -> None:
    path = tmp_path / "a.csv"
    times = [f"{scale * t:.8g}" for t in TIME]
    path.write_text(table(f"Time [{unit}],Current [A],Voltage [V]", "xiv", x=times))
    with pytest.raises(InputError, match=rf"'Time \[{right}\]' as the column's name"):
        check_scale(read_curve(path), 0.1, 25.0, (0.5, 2.0))
