"""``electrograd sweep`` as a person uses it, on a few real simulations."""

from pathlib import Path

import pytest
import xarray as xr

from electrograd.cli import main
from electrograd.study_file import bundled_text
from electrograd.sweeps.record import POINTS
from electrograd.sweeps.store import SweepStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps")
    text = bundled_text("R1").replace("designs: 4096", "designs: 4")
    (folder / "study.yaml").write_text(text + "    batch: 2\n")
    return folder


def command(folder: Path, *arguments: str) -> int:
    runs = ("--runs", str(folder / "runs"))
    with pytest.raises(SystemExit) as ended:
        main(["sweep", str(folder / "study.yaml"), *runs, "-q", *arguments])
    return int(str(ended.value.code))


def test_from_nothing_to_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command after the other, on a test set of four designs that then grows to six."""
    store = folder / "runs" / "R1" / "sweep-test.zarr"
    assert command(folder, "--status") == 0
    said = capsys.readouterr().out
    assert "sweep.zarr: not begun" in said
    assert "sweep-test.zarr: not begun" in said

    assert command(folder, "--name", "test") == 0
    said = capsys.readouterr().out
    assert f"4 designs in {store}" in said
    assert "4 voltage cut-off" in said
    assert (store.parent / "sweep-test.png").stat().st_size > 10_000

    assert command(folder, "--name", "test", "--status", "--export", str(folder / "t.csv")) == 0
    assert "4 of 4 designs simulated (100.0 %)" in capsys.readouterr().out
    assert len((folder / "t.csv").read_text().splitlines()) == 5
    assert len((folder / "t-curves.csv").read_text().splitlines()) == 1 + 4 * POINTS

    assert command(folder, "--name", "test", "--row", "3", "--rerun") == 0
    said = capsys.readouterr().out
    assert "the same bit for bit" in said
    assert "C-rate" in said

    study = folder / "study.yaml"
    study.write_text(study.read_text().replace("designs: 4\n", "designs: 6\n"))
    before = SweepStore(store).read(4).fingerprint()
    assert command(folder, "--name", "test") == 0
    with xr.open_zarr(store) as data:
        assert data.sizes["design"] == 6
        assert (data["end"] > 0).all()
    assert SweepStore(store).read(4).fingerprint() == before


def test_a_row_that_another_machine_made_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import zarr

    place = folder / "runs" / "R1" / "sweep-test.zarr"
    zarr.open_group(place)["Voltage [V]"][3] += 0.01
    assert command(folder, "--name", "test", "--row", "3", "--rerun") == 1
    said = capsys.readouterr()
    assert "Voltage" in said.out
    assert "row 3, simulated again, differs from what is stored" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "tset"), "one of the study's; received: tset; nearest valid: test"),
        (("--rerun",), "--rerun is of one design"),
        (("--workers", "2", "--scheduler", "tcp://x"), "on a scheduler's workers"),
        (
            ("--status", "--row", "1"),
            "--row is of one design, and simulates no other; received: --status",
        ),
        (("--export", "table.xls"), "table.xls"),
        (("--name", "test", "--row", "99"), "received: 99; nearest valid: 5"),
        (("--row", "0"), "a sweep must have been begun"),
        (("--name", "test", "--row", "-1"), "received: -1; nearest valid: 0"),
    ],
)
def test_mistakes(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert command(folder, *arguments) == 2
    assert message in capsys.readouterr().err
