"""A sweep on disk: one Zarr group that xarray opens, written so that a kill loses nothing.

The store holds every planned design from the start, with the end of each still pending. A batch of
designs is one chunk of every array. It is written data first and ends last, each chunk replaced
atomically and with a checksum: whatever moment a kill comes, a row whose end is set is whole, and the
others run again. The group's own metadata names the sizes of all arrays at once, and is replaced last:
a store that is being made, or enlarged, is the old one until that moment.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from jaxtyping import Float, Int
from zarr.errors import ZarrUserWarning

from electrograd.physics.charge import COMPLETED, End
from electrograd.physics.errors import InputError
from electrograd.sweeps.dataset import Dataset
from electrograd.sweeps.location import Location
from electrograd.sweeps.record import (
    CHARGE,
    END,
    MADE_WITH,
    MESSAGE,
    Block,
    curves_of,
    scalars_of,
)

FORMAT = 5
_OLD_PHYSICS = (
    "older ones were simulated on a mesh that was wrong at the separator's faces, and their charges "
    "ended when the first particle surface was full; "
)
BATCH = 16
"""Designs simulated and written together: what a kill can cost is the batches in flight."""
VALUES, VARIABLE = "design_values", "variable"
IDENTITY, SCHEMA, STARTED = "identity", "format", "being_made"
_BEGIN = "electrograd sweep STUDY"
SLAB = 64
"""Batches read at a time where a whole sweep need not be in memory."""
DAMAGE = (ValueError, RuntimeError)
"""What Zarr raises for a chunk that is truncated or altered. An `OSError` is no damage: the next time,
or another user, may be able to read what is there."""
_NO_GROUP = (FileNotFoundError, NotADirectoryError, KeyError, TypeError, AttributeError, *DAMAGE)


class SweepStore:
    """The store of one sweep, open for reading; `writing` opens it to be filled.

    Parameters
    ----------
    place
        A path, a URL that fsspec knows, or a `Location`.

    Raises
    ------
    InputError
        If there is no sweep, one of another format, or damaged metadata.
    """

    def __init__(self, place: str | Path | Location, read_only: bool = True) -> None:
        self.location = place if isinstance(place, Location) else Location(place)
        if not self.location.holds_something():
            raise InputError("a sweep must have been begun", f"{place}: there is no sweep", _BEGIN)
        group = opened(self.location, read_only)
        if group.attrs.get(STARTED, False):
            said = f"{place} was still being made when its process ended"
            raise InputError("a sweep must have been begun", said, _BEGIN)
        check_format(group.attrs.asdict(), self.location)
        self._take(group)

    def _take(self, group: Any) -> None:
        attributes = group.attrs.asdict()
        self._group = group
        try:
            self.identity: dict[str, Any] = dict(attributes[IDENTITY])
            self.observables = tuple(self.identity["observables"])
            self.rejected: dict[str, int] = dict(attributes["rejected"])
            self.made_with: list[Any] = list(attributes["made_with"])
            self.scalars = tuple(scalars_of(self.identity))
            names = (VALUES, MADE_WITH, MESSAGE, *curves_of(self.observables), *self.scalars, END)
            self._arrays: dict[str, Any] = {name: group[name] for name in names}
            self.names: tuple[str, ...] = tuple(self.identity["order of variables"])
            self.batch = int(self._arrays[END].chunks[0])
        except _NO_GROUP as error:
            raise damaged(self.location, error) from error
        sizes = {array.shape[0] for array in self._arrays.values()}
        if len(sizes) != 1 or self._arrays[VALUES].shape[1] != len(self.names):
            raise damaged(self.location, f"arrays of {sorted(sizes)} designs")

    def __len__(self) -> int:
        return int(self._arrays[END].shape[0])

    @property
    def ends(self) -> Int[np.ndarray, " designs"]:
        """The end of each design, as numbers of `End`."""
        return self.column(END)

    @property
    def design_values(self) -> Float[np.ndarray, "designs variables"]:
        """All planned designs."""
        return self.column(VALUES)

    def column(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Read one array, or some rows of it; raises `InputError` for what is damaged."""
        try:
            return np.asarray(self._arrays[name][rows])
        except DAMAGE as error:
            raise self._torn(f"{name!r} of", error) from error

    def _torn(self, what: str, problem: object) -> InputError:
        return InputError(
            f"{what} {self.location} must be whole; the next sweep finds what is damaged and simulates "
            "it again",
            problem,
            _BEGIN,
        )

    def check_whole(self, rows: slice = slice(None)) -> None:
        """Refuse rows of which data is damaged or missing; `InputError` says so."""
        first, last, _ = rows.indices(len(self))
        for part in slices(last, self.batch * SLAB, first):
            if not self._sound(part):
                raise self._torn("the rows of", f"damage between rows {part.start} and {part.stop - 1}")

    def read(self, designs: int | None = None) -> Dataset:
        """Read the sweep, or its first ``designs``, into memory; raises `InputError` for damage."""
        rows = slice(designs)
        self.check_whole(rows)
        return Dataset(
            names=self.names,
            values=self.column(VALUES, rows),
            ends=self.column(END, rows),
            messages=[str(message) for message in self.column(MESSAGE, rows)],
            charge=self.column(CHARGE, rows),
            curves={name: self.column(name, rows) for name in self.observables},
            figures={name: self.column(name, rows) for name in self.scalars},
        )

    def to_xarray(self) -> xr.Dataset:
        """Return the sweep as xarray sees it, nothing of it read yet."""
        return xr.open_zarr(self.location.zarr(read_only=True), chunks=None)

    def write(self, rows: Int[np.ndarray, " rows"], block: Block, made_with: Any = None) -> None:
        """Store the records of some designs of one batch.

        Parameters
        ----------
        rows
            Their rows, ascending, all of one batch.
        block
            As `record.pack` gives it, one row a design.
        made_with
            Versions and model that simulated them, as plain JSON values.

        Raises
        ------
        OSError
            If it cannot be written; the designs are pending then.
        LockLostError
            If another process has taken over the writing.
        """
        self.location.check_writing()
        first = int(rows[0]) // self.batch * self.batch
        span = slice(first, min(first + self.batch, len(self)))
        inside = rows - first
        before = self._kept(END, span)
        if np.any(before[inside] != End.PENDING):  # until the new record is whole, there is none
            before[inside] = End.PENDING
            self._arrays[END][span] = before
        data = {name: values for name, values in block.items() if name != END}
        data[MADE_WITH] = np.full(len(rows), self._made_with(made_with), np.int16)
        if len(rows) < span.stop - span.start:
            for name, values in data.items():
                data[name] = self._kept(name, span)
                data[name][inside] = values
        for name, values in data.items():
            self._arrays[name][span] = values
        before[inside] = block[END]
        self._arrays[END][span] = before

    def _kept(self, name: str, rows: slice) -> np.ndarray:
        """What rows hold; nothing where that is damaged, for the designs are pending then."""
        array = self._arrays[name]
        try:
            return np.asarray(array[rows])
        except DAMAGE:
            shape = (rows.stop - rows.start, *array.shape[1:])
            return np.full(shape, array.fill_value, dtype=array.dtype)

    def _made_with(self, made_with: Any) -> int:
        made_with = json.loads(json.dumps(made_with))
        if made_with not in self.made_with:
            self._group.attrs["made_with"] = [*self.made_with, made_with]
            self.made_with.append(made_with)
        return self.made_with.index(made_with)

    def grow(self, values: Float[np.ndarray, "designs variables"]) -> None:
        """Add the designs of ``values`` that come after the store's own."""
        self.location.check_writing()
        first = len(self) // self.batch * self.batch
        for array in self._arrays.values():
            array.resize((len(values), *array.shape[1:]))
        self._arrays[VALUES][first:] = values[first:]
        consolidate(self.location)
        self._take(opened(self.location, read_only=False))

    def set_rejected(self, rejected: Mapping[str, int]) -> None:
        """Keep how many designs were left out, by reason."""
        if self.rejected != rejected:
            self.location.check_writing()
            self._group.attrs["rejected"] = self.rejected = dict(rejected)

    def mend(self, values: Float[np.ndarray, "designs variables"]) -> int:
        """Make batches whose data is damaged or missing pending again; return how many designs.

        Parameters
        ----------
        values
            The planned designs, from which damaged ones are restored.

        Raises
        ------
        InputError
            For damaged designs beyond those planned, which nothing can restore.
        OSError
            For what cannot be read now; nothing is touched then.
        """
        self.location.check_writing()
        mended = 0
        whole = min(-(-len(values) // self.batch) * self.batch, len(self))
        for slab in slices(whole, self.batch * SLAB):
            self._restore(slab, values)
            if self._sound(slab):
                continue
            for batch in slices(slab.stop, self.batch, slab.start):
                if not self._sound(batch):
                    pending = np.full(batch.stop - batch.start, End.PENDING, np.int8)
                    self._arrays[END][batch] = pending
                    mended += len(pending)
        if self._labels() != self.names:
            self._group[VARIABLE][:] = np.array(self.names, dtype=object)
        return mended

    def _labels(self) -> tuple[str, ...]:
        try:
            return tuple(map(str, self._group[VARIABLE][:]))
        except DAMAGE:
            return ()

    def _restore(self, rows: slice, values: np.ndarray) -> None:
        """Write the designs of these rows anew if they are damaged."""
        planned = values[rows]
        if np.array_equal(self._kept(VALUES, rows)[: len(planned)], planned):
            return
        if min(rows.start + self.batch * SLAB, len(self)) > len(values):
            raise InputError(
                f"designs of {self.location} are damaged, and can be drawn again only by a study of all",
                f"{len(values)} designs",
                f"{len(self)} designs",
            )
        self._arrays[VALUES][rows] = planned

    def _sound(self, rows: slice) -> bool:
        """Whether the rows that have an end can be read and are whole."""
        try:
            ends = np.asarray(self._arrays[END][rows])
            ended, completed = ends != End.PENDING, np.isin(ends, COMPLETED)
            if not ended.any():
                return True
            charge, *curves = (self._arrays[name][rows] for name in (CHARGE, *self.observables))
            message, made = self._arrays[MESSAGE][rows], self._arrays[MADE_WITH][rows]
            scalars = [self._arrays[name][rows] for name in self.scalars]
        except DAMAGE:
            return False
        # Deleted chunks read as nothing: NaN, or no words.
        charged = completed & (charge[:, -1] > 0)
        gaps = [np.isnan(charge[completed]), message[ended] == "", made[ended] < 0]
        gaps += [np.isnan(values[charged]) for values in (*curves, *scalars)]
        return not any(np.any(gap) for gap in gaps)


def opened(location: Location, read_only: bool) -> Any:
    """The Zarr group there; raises `InputError` if there is none that can be read."""
    try:
        return zarr.open_group(location.zarr(read_only), mode="r" if read_only else "r+")
    except _NO_GROUP as error:
        raise damaged(location, error) from error


def damaged(location: Location, problem: object) -> InputError:
    """What is said of a store that cannot be read."""
    return InputError(
        f"{location} must be a sweep of this program, its metadata whole; nothing in it was touched: "
        "restore it, or move it away to start anew",
        problem,
    )


def check_format(attributes: Mapping[str, Any], location: Location) -> None:
    """Refuse a group that is no sweep, or one of another format."""
    identity = attributes.get(IDENTITY)
    old = identity.get(SCHEMA) if isinstance(identity, dict) else None  # where format 2 kept it
    found = attributes.get(SCHEMA, old)
    if found != FORMAT:
        older = isinstance(found, int) and found < FORMAT
        raise InputError(
            f"{location} must be a sweep of format {FORMAT}; {_OLD_PHYSICS if older else ''}nothing "
            "in it was touched: read it with the release that wrote it, or move it away to start anew",
            f"format {found}" if found else "a Zarr group that is no sweep",
            f"format {FORMAT}",
        )


def consolidate(location: Location) -> None:
    """Write the sizes of all arrays into the group's own metadata, in one step."""
    with warnings.catch_warnings():
        # It is no part of Zarr 3's text yet; Zarr and xarray both read it.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(location.zarr(read_only=False))


def slices(stop: int, step: int, start: int = 0) -> Iterator[slice]:
    """Cut a range of rows into parts."""
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))
