"""A sweep on disk and in memory: labelled arrays in Zarr, written so that a kill loses nothing.

The store holds every planned design from the start, with the end of each still pending. A batch is
written data first and ends last, each array's chunk being one batch and each chunk replaced
atomically: whatever moment a kill comes, a row whose end is set is whole, and the others run again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from jaxtyping import Float, Int

from electrograd.physics.charge import CURVES, OBSERVABLES, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import (
    ACCEPTED_CAPACITY,
    LEAST_ELECTROLYTE,
    NOMINAL_CAPACITY,
    PLATING_MARGIN,
)

BATCH = 4
"""Designs written at a time: what a kill can cost is the batches in flight."""
POINTS = 33
"""Even points of charge passed at which curves are kept."""
FORMAT = 2

CHARGE = "Charge passed [A.h.m-2]"
_SCALARS = (NOMINAL_CAPACITY, ACCEPTED_CAPACITY, PLATING_MARGIN, LEAST_ELECTROLYTE)
_VALUES, _END, _MESSAGE = "design_values", "end", "message"
_MESSAGE_LENGTH = 200


class SweepStore:
    """The Zarr store of one sweep; read it with ``xarray.open_zarr`` too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            group: Any = zarr.open_group(path, mode="r+")
            self.identity: dict[str, Any] = dict(group.attrs["identity"])
        except (OSError, KeyError, ValueError) as error:
            raise InputError(
                f"{path} must be a sweep of this program; move it away to start anew", error
            ) from error
        self._group = group

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        names: Sequence[str],
        designs: Float[np.ndarray, "designs variables"],
        identity: Mapping[str, Any],
    ) -> "SweepStore":
        """Open the store at ``path`` if it is of the same sweep, or create it.

        Parameters
        ----------
        identity
            Everything that the results depend on, as plain JSON values.

        Raises
        ------
        InputError
            If the store there is of another sweep; nothing in it is touched.
        """
        # Through JSON, so that it compares equal to what comes back from the store.
        identity = json.loads(json.dumps({"format": FORMAT, **identity}))
        if path.exists():
            store = cls(path)
            _check_same(store.identity, identity, path)
            return store
        # Made beside its place and moved there whole: a kill leaves no half-made store.
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        _empty(names, designs, identity).to_zarr(
            partial,
            mode="w-",
            encoding={name: {"chunks": chunks} for name, chunks in _chunks(len(names)).items()},
            consolidated=False,
        )
        os.replace(partial, path)
        return cls(path)

    @property
    def ends(self) -> Int[np.ndarray, " designs"]:
        """The end of each design, as numbers of `End`."""
        return self._array(_END)

    @property
    def design_values(self) -> Float[np.ndarray, "designs variables"]:
        """All planned designs."""
        return self._array(_VALUES)

    def _array(self, name: str) -> np.ndarray:
        try:
            return np.asarray(self._group[name][:])
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{name!r} in {self.path} must be whole; restore it, or move the sweep away", error
            ) from error

    def write(self, start: int, charges: Sequence[Charge]) -> None:
        """Store the records of the designs from row ``start`` on: one whole batch."""
        rows = slice(start, start + len(charges))
        grids, curves = zip(*(charge.on_grid(POINTS) for charge in charges), strict=True)
        group = self._group
        group[CHARGE][rows] = np.stack(grids)
        for k, name in enumerate(CURVES):
            group[name][rows] = np.stack([curve[k] for curve in curves])
        group[NOMINAL_CAPACITY][rows] = [charge.nominal for charge in charges]
        group[ACCEPTED_CAPACITY][rows] = [charge.accepted for charge in charges]
        group[PLATING_MARGIN][rows] = [charge.plating_margin for charge in charges]
        group[LEAST_ELECTROLYTE][rows] = [charge.least_electrolyte for charge in charges]
        group[_MESSAGE][rows] = np.array([encode_message(charge.message) for charge in charges])
        group[_END][rows] = [int(charge.end) for charge in charges]

    def read(self) -> "Dataset":
        """Read the sweep into memory."""
        return Dataset(
            names=tuple(str(name) for name in self._group.attrs["variables"]),
            values=self.design_values,
            ends=self.ends,
            messages=[decode_message(row) for row in self._array(_MESSAGE)],
            charge=self._array(CHARGE),
            curves={name: self._array(name) for name in CURVES},
            figures={name: self._array(name) for name in _SCALARS},
        )


@dataclass(frozen=True)
class Dataset:
    """A sweep in memory.

    Attributes
    ----------
    names, values
        Design variables and their values, one row a design.
    ends, messages
        Why each simulation stopped.
    charge
        Charge passed at the points of each design's curves [A.h.m-2].
    curves
        Observables at those points, by name.
    figures
        Nominal and accepted capacity [A.h.m-2], plating margin [V], least electrolyte concentration
        [mol.m-3], by name.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "designs variables"]
    ends: Int[np.ndarray, " designs"]
    messages: list[str]
    charge: Float[np.ndarray, "designs points"]
    curves: dict[str, Float[np.ndarray, "designs points"]]
    figures: dict[str, Float[np.ndarray, " designs"]]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def completed(self) -> np.ndarray:
        """Which designs ran to an end that the physics or the scenario set."""
        return np.array([End(end).completed for end in self.ends])

    def only(self, rows: np.ndarray) -> "Dataset":
        """Return the dataset of some rows, given as a mask or as indices."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Dataset(
            names=self.names,
            values=self.values[index],
            ends=self.ends[index],
            messages=[self.messages[i] for i in index],
            charge=self.charge[index],
            curves={name: curve[index] for name, curve in self.curves.items()},
            figures={name: figure[index] for name, figure in self.figures.items()},
        )

    def count_ends(self) -> dict[str, int]:
        """Count the designs by the reason they stopped, in words."""
        return {end.label: int(n) for end in End if (n := np.sum(self.ends == end))}

    def fingerprint(self) -> str:
        """Hash of the contents: the same data, the same hash, on any machine."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for array in (
            self.values,
            self.ends,
            self.charge,
            *self.curves.values(),
            *self.figures.values(),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def encode_message(message: str) -> np.ndarray:
    """Encode a message as a fixed number of UTF-8 bytes, which any Zarr reader understands."""
    raw = message.encode()[:_MESSAGE_LENGTH].ljust(_MESSAGE_LENGTH, b"\0")
    return np.frombuffer(raw, np.uint8)


def decode_message(row: np.ndarray) -> str:
    """Undo `encode_message`."""
    return row.astype(np.uint8).tobytes().rstrip(b"\0").decode(errors="ignore")


def _chunks(variables: int) -> dict[str, tuple[int, ...]]:
    curves = dict.fromkeys((CHARGE, *CURVES), (BATCH, POINTS))
    scalars = dict.fromkeys((*_SCALARS, _END), (BATCH,))
    return {
        _VALUES: (BATCH, variables),
        _MESSAGE: (BATCH, _MESSAGE_LENGTH),
        **curves,
        **scalars,
    }


def _empty(
    names: Sequence[str],
    designs: Float[np.ndarray, "designs variables"],
    identity: Mapping[str, Any],
) -> xr.Dataset:
    """Return the planned sweep with nothing simulated yet."""
    n = len(designs)
    arrays: dict[str, Any] = {
        _VALUES: (("design", "variable"), designs, {"long_name": "design variables, SI units"}),
        _END: ("design", np.zeros(n, np.int8), {"meaning": {str(int(e)): e.label for e in End}}),
        _MESSAGE: (
            ("design", "byte"),
            np.zeros((n, _MESSAGE_LENGTH), np.uint8),
            {"long_name": "the solver's own words, UTF-8"},
        ),
        CHARGE: (("design", "point"), np.full((n, POINTS), np.nan)),
    }
    for name in CURVES:
        arrays[name] = (
            ("design", "point"),
            np.full((n, POINTS), np.nan),
            {"long_name": OBSERVABLES[name]},
        )
    for name in _SCALARS:
        arrays[name] = ("design", np.full(n, np.nan))
    return xr.Dataset(arrays, attrs={"variables": list(names), "identity": identity})


def _check_same(stored: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    before, now = _leaves(stored), _leaves(wanted)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"the sweep in {path} was made with {key} = {before.get(key)}; to keep it, give the "
                f"changed study another name, or move the study's folder away",
                f"{key} = {now.get(key)}",
                before.get(key),
            )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to ``{"scenario.c_rate": 1.0}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= (
            _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
        )
    return flat
