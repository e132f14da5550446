"""A sweep as one file for other programs: NetCDF, Parquet or CSV.

Takes a store as ``xarray.open_zarr`` returns it and reads it in slabs of rows, so that a large sweep is
never in memory whole. A file is written beside its place and moved there when it is complete.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from electrograd.physics.charge import End
from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.record import CHARGE, END, MESSAGE
from electrograd.sweeps.store import VALUES, VARIABLE

SLAB = 4096
"""Designs read at a time; in Parquet, the rows of a group."""

_EXTRA = "pip install 'electrograd[export]'"


def export(data: xr.Dataset, path: Path) -> list[Path]:
    """Write a sweep to one file, in the form that its name's ending says.

    ``.nc``
        NetCDF-4: everything the store holds; attributes that are lists or mappings as JSON text.
    ``.parquet``
        A row for each design: variables, end in words, message, figures, each curve as a list. The
        store's attributes are JSON in the file's metadata, under ``electrograd``.
    ``.csv``
        The same without curves, and beside it ``<stem>-curves.csv``: a row for each point of each
        design that has a curve.

    Designs not simulated yet are there too: their end is ``pending``, their figures NaN. A file of that
    name is replaced.

    Parameters
    ----------
    data
        The store, as ``xarray.open_zarr`` returns it.
    path
        Where to write.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For a name of another ending, a folder in the file's place, a folder that is not there, a
        package that is not installed, or a damaged sweep; no file is touched then.
    """
    suffix = check_file(path, tuple(_WRITERS))
    needs, write = _WRITERS[suffix]
    paths = [path]
    if suffix == ".csv":
        paths.append(path.with_name(f"{path.stem}-curves.csv"))
        check_file(paths[1], (".csv",))
    for package in needs:
        if find_spec(package) is None:
            raise InputError(f"to write {suffix} needs a package more: {_EXTRA}", f"no {package}")
    with replacing(*paths) as partial:
        write(data, *partial)
    return paths


def check_file(path: Path, endings: tuple[str, ...]) -> str:
    """Refuse a place where no file of one of these endings can be written; return its ending.

    Raises
    ------
    InputError
        For another ending, a folder in the file's place, or a folder that is not there.
    """
    ending = path.suffix.lower()
    check_name(ending, endings, f"the file's name must end in {' or '.join(endings)}", str(path))
    if path.is_dir():
        raise InputError("a file cannot take the place of a folder", path)
    if not path.parent.is_dir():
        raise InputError("the folder that a file is to be written to must be there", path.parent)
    return ending


@contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Give names beside the files; move them into place if all went well, else leave nothing."""
    partial = [path.with_name(path.name + ".partial") for path in paths]
    try:
        yield partial
        for made, path in zip(partial, paths, strict=True):
            os.replace(made, path)
    finally:
        for made in partial:
            made.unlink(missing_ok=True)


def loaded(data: xr.Dataset) -> xr.Dataset:
    """Read a part of a sweep into memory.

    Raises
    ------
    InputError
        If a chunk of it is damaged.
    """
    try:
        return data.compute()
    except (RuntimeError, ValueError) as error:  # what Zarr raises for bytes that it cannot decode
        raise InputError(
            "what is to be read of a sweep must be whole; the next run of it finds what is damaged and "
            "simulates it again",
            error,
            "electrograd sweep STUDY",
        ) from error


def _slabs(data: xr.Dataset) -> Iterator[xr.Dataset]:
    """Read the sweep a few thousand designs at a time; at least once, though there be none."""
    for start in range(0, max(1, data.sizes["design"]), SLAB):
        yield loaded(data.isel(design=slice(start, start + SLAB)))


def decoded(data: xr.Dataset) -> dict[str, list[Any]]:
    """Return the values of each variable, by name: numbers, or the labels of categorical variables."""
    values = np.asarray(data[VALUES])
    choices = data.attrs.get("choices", {})
    columns: dict[str, list[Any]] = {}
    for k, name in enumerate(map(str, data[VARIABLE].values)):
        labels = choices.get(name, [])
        is_text = bool(labels) and all(isinstance(label, str) for label in labels)
        column = values[:, k].tolist()
        columns[name] = [labels[int(value)] for value in column] if is_text else column
    return columns


def _rows(slab: xr.Dataset) -> dict[str, Any]:
    """Columns with one entry a design: variables, end, message, figures."""
    figures = [str(n) for n in slab.data_vars if slab[n].dims == ("design",)]
    return {
        **decoded(slab),
        END: [End(int(end)).label for end in slab[END].values],
        MESSAGE: [str(message) for message in slab[MESSAGE].values],
        **{name: slab[name].values.tolist() for name in figures if name not in (END, MESSAGE)},
    }


def _curves(data: xr.Dataset) -> list[str]:
    """Names of what is kept along the charge: the charge passed first."""
    curves = [str(name) for name in data.data_vars if data[name].dims == ("design", "point")]
    return sorted(curves, key=lambda name: name != CHARGE)


def _write_csv(data: xr.Dataset, path: Path, curves_path: Path) -> None:
    names, first = _curves(data), 0
    with (
        path.open("w", encoding="utf-8", newline="") as rows,
        curves_path.open("w", encoding="utf-8", newline="") as points,
    ):
        design_table, curve_table = csv.writer(rows), csv.writer(points)
        curve_table.writerow(["design", "point", *names])
        for slab in _slabs(data):
            columns = _rows(slab)
            if first == 0:
                design_table.writerow(["design", *columns])
            designs = range(first, first + slab.sizes["design"])
            design_table.writerows(zip(designs, *columns.values(), strict=True))
            curves = np.stack([slab[name].values for name in names], axis=-1)
            for design, points_of_one in zip(designs, curves, strict=True):
                if np.isfinite(points_of_one[:, 0]).any():
                    curve_table.writerows(
                        [design, k, *point] for k, point in enumerate(points_of_one.tolist())
                    )
            first = designs.stop


def _write_parquet(data: xr.Dataset, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {b"electrograd": _json(data.attrs).encode()}
    writer = None
    try:
        for slab in _slabs(data):
            columns = {name: pa.array(column) for name, column in _rows(slab).items()}
            for name in _curves(slab):
                n, n_points = slab[name].shape
                offsets = pa.array(np.arange(n + 1, dtype=np.int32) * n_points, pa.int32())
                columns[name] = pa.ListArray.from_arrays(offsets, pa.array(slab[name].values.ravel()))
            table = pa.table(columns).replace_schema_metadata(about)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _write_netcdf(data: xr.Dataset, path: Path) -> None:
    import h5netcdf
    import h5py

    with h5netcdf.File(path, "w") as file:
        file.dimensions = {str(name): size for name, size in data.sizes.items()}
        file.attrs.update({key: _attribute(value) for key, value in data.attrs.items()})
        for name, array in data.variables.items():
            dtype = h5py.string_dtype() if _is_text(array) else array.dtype
            variable = file.create_variable(str(name), array.dims, dtype)
            attributes = {key: _attribute(value) for key, value in array.attrs.items()}
            if "flag_values" in attributes:  # CF wants them in the type of what they explain
                attributes["flag_values"] = np.asarray(array.attrs["flag_values"], array.dtype)
            variable.attrs.update(attributes)
            if "design" not in array.dims:
                variable[...] = _plain(array)
        first = 0
        for slab in _slabs(data):
            rows = slice(first, first + slab.sizes["design"])
            for name, array in slab.variables.items():
                if "design" in array.dims and array.size:
                    file.variables[str(name)][rows] = _plain(array)
            first = rows.stop


def _is_text(array: xr.Variable) -> bool:
    return array.dtype.kind not in "iufb"


def _plain(array: xr.Variable) -> np.ndarray:
    """Give HDF5 the strings that it knows."""
    values = np.asarray(array.values)
    return values.astype(object) if _is_text(array) else values


def _attribute(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_Writer = Callable[..., None]
_WRITERS: dict[str, tuple[tuple[str, ...], _Writer]] = {
    ".nc": (("h5netcdf", "h5py"), _write_netcdf),
    ".parquet": (("pyarrow",), _write_parquet),
    ".csv": ((), _write_csv),
}
