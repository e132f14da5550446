import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sweep_data import NAMES, made_up, some

from electrograd.physics.charge import VOLTAGE, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, N_P_RATIO
from electrograd.sweeps import export as module
from electrograd.sweeps.export import export
from electrograd.sweeps.record import POINTS
from electrograd.sweeps.store import FORMAT

ENDS = some(voltage_cut_off=9, electrolyte_depleted=3, solver_failure=1, pending=4)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> xr.Dataset:
    """A sweep that takes several slabs, the last not full."""
    monkeypatch.setattr(module, "SLAB", 5)
    return made_up(ENDS)


def shapes(data: xr.Dataset) -> list[str]:
    return [["slit", "hole"][int(k)] for k in data["design_values"].values[:, 3]]


def test_netcdf_holds_everything(data: xr.Dataset, tmp_path: Path) -> None:
    assert export(data, tmp_path / "s.nc") == [tmp_path / "s.nc"]
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as found:
        assert found.sizes == data.sizes
        assert set(found.variables) == set(data.variables)
        for name in data.variables:
            np.testing.assert_array_equal(found[name].values, data[name].values)
        assert found["end"].attrs["flag_values"].dtype == np.int8
        assert json.loads(found.attrs["made_with"]) == data.attrs["made_with"]
        assert json.loads(found.attrs["identity"]) == data.attrs["identity"]
        assert found.attrs["format"] == FORMAT


def test_parquet_has_a_row_for_each_design(data: xr.Dataset, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    export(data, tmp_path / "s.parquet")
    file = pq.ParquetFile(tmp_path / "s.parquet")
    assert file.num_row_groups == 4
    table = file.read()
    assert table.column_names[:4] == list(NAMES)
    assert table["Channel shape"].to_pylist() == shapes(data)
    assert table["end"].to_pylist() == [end.label for end in ENDS]
    assert table["message"].to_pylist() == data["message"].values.tolist()
    np.testing.assert_array_equal(table[N_P_RATIO].to_numpy(), data["design_values"].values[:, 0])
    np.testing.assert_array_equal(np.array(table[VOLTAGE].to_pylist()), data[VOLTAGE].values)
    assert json.loads(table.schema.metadata[b"electrograd"])["rejected"] == data.attrs["rejected"]


def test_csv_gives_every_number_back_exactly(data: xr.Dataset, tmp_path: Path) -> None:
    written = export(data, tmp_path / "s.csv")
    assert written == [tmp_path / "s.csv", tmp_path / "s-curves.csv"]
    with written[0].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["design"] for row in rows] == [str(k) for k in range(len(ENDS))]
    assert [row["end"] for row in rows] == [end.label for end in ENDS]
    assert [row["Channel shape"] for row in rows] == shapes(data)
    assert [row["message"] for row in rows] == data["message"].values.tolist()
    accepted = [float(row[ACCEPTED_CAPACITY]) for row in rows]
    np.testing.assert_array_equal(accepted, data[ACCEPTED_CAPACITY].values)
    with written[1].open(newline="", encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    charged = [k for k, end in enumerate(ENDS) if end.completed]
    assert [row["design"] for row in points[::POINTS]] == [str(k) for k in charged]
    voltage = np.array([float(row[VOLTAGE]) for row in points]).reshape(-1, POINTS)
    np.testing.assert_array_equal(voltage, data[VOLTAGE].values[charged])


@pytest.mark.parametrize("ending", ["nc", "parquet", "csv"])
def test_never_half_a_file(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage in the third slab: what was there before stays, and nothing else is left."""
    monkeypatch.setattr(module, "SLAB", 5)
    path = tmp_path / f"s.{ending}"
    export(made_up(ENDS), path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    load = xr.Dataset.load

    def damaged(slab: xr.Dataset) -> xr.Dataset:
        if ENDS[10:15] == [End(end) for end in slab["end"].values]:
            raise ValueError("crc32c does not match")
        return load(slab)

    monkeypatch.setattr(xr.Dataset, "load", damaged)
    with pytest.raises(InputError, match="must be whole; the next run of it finds what is damaged"):
        export(made_up(ENDS, seed=5), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    monkeypatch.setattr(xr.Dataset, "load", load)
    export(made_up(ENDS, seed=5), path)
    assert path.read_bytes() != before[path.name]


@pytest.mark.parametrize("ending", ["nc", "parquet", "csv"])
def test_a_sweep_with_nothing_done(ending: str, tmp_path: Path) -> None:
    export(made_up([End.PENDING] * 3), tmp_path / f"s.{ending}")
    assert (tmp_path / f"s.{ending}").stat().st_size > 0


def test_places_that_cannot_be_written_to_are_refused(data: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end in \.nc or \.parquet or \.csv.*nearest valid: \.parquet"):
        export(data, tmp_path / "s.parket")
    with pytest.raises(InputError, match=r"one of \.nc, \.parquet, \.csv"):
        export(data, tmp_path / "s")
    with pytest.raises(InputError, match="must be there"):
        export(data, tmp_path / "no" / "s.csv")
    for taken, asked in (("s.nc", "s.nc"), ("t-curves.csv", "t.csv")):
        (tmp_path / taken).mkdir()
        with pytest.raises(InputError, match="cannot take the place of a folder"):
            export(data, tmp_path / asked)
    assert sorted(os.listdir(tmp_path)) == ["s.nc", "t-curves.csv"]


@pytest.mark.parametrize(
    ("ending", "package"), [("nc", "h5netcdf"), ("nc", "h5py"), ("parquet", "pyarrow")]
)
def test_a_package_that_is_not_there(
    ending: str, package: str, data: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else name)
    with pytest.raises(
        InputError, match=rf"pip install 'electrograd\[export\]'; received: no {package}"
    ):
        export(data, tmp_path / f"s.{ending}")
