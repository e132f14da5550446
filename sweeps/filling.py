"""Opening a sweep to be filled: an existing store checked, mended and enlarged, or a new one made."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from electrograd.physics.charge import End
from electrograd.physics.errors import InputError
from electrograd.physics.variables import unit_of
from electrograd.sweeps.location import Location
from electrograd.sweeps.plan import Plan
from electrograd.sweeps.record import END, MADE_WITH, MESSAGE, POINTS, curves_of, scalars_of
from electrograd.sweeps.store import (
    BATCH,
    FORMAT,
    IDENTITY,
    SCHEMA,
    SLAB,
    STARTED,
    VALUES,
    VARIABLE,
    SweepStore,
    consolidate,
    opened,
    slices,
)

_logger = logging.getLogger("electrograd")


@contextmanager
def writing(
    place: str | Path, plan: Plan, identity: Mapping[str, Any], batch: int = BATCH
) -> Iterator[SweepStore]:
    """Open the store of a plan's sweep to be filled: an existing one, enlarged, or a new one.

    Parameters
    ----------
    place
        A path, or a URL that fsspec knows.
    plan
        The designs. A longer plan that begins with the store's designs enlarges it; of a shorter one
        the store simply holds more.
    identity
        Everything else that the results depend on, as plain JSON values, the names of the
        ``observables`` to keep among them.
    batch
        Designs simulated and written together, in a new store.

    Raises
    ------
    InputError
        If the store there is of another sweep or damaged, or another process is writing to it. Nothing
        in it is touched then.
    """
    identity = identity_of(plan, identity)
    location = Location(place)
    with location.writing():
        if _to_be_made(location):
            _create(location, plan, identity, batch)
        store = SweepStore(location, read_only=False)
        check_same(store, identity)
        _check_designs(store, plan.values)
        if mended := store.mend(plan.values[: len(store)]):
            _logger.warning("%d designs in %s were damaged and run again", mended, location)
        if len(plan.values) > len(store):
            store.grow(plan.values)
        if len(plan.values) >= len(store):
            store.set_rejected(plan.rejected)
        yield store


def identity_of(plan: Plan, identity: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that tells one sweep from another, as it comes back from a store."""
    known = {
        "variables": plan.space.to_dict(),
        "order of variables": list(plan.space.names),
        "sampler": plan.sampler,
        **identity,
    }
    found: dict[str, Any] = json.loads(json.dumps(known))
    return found


def _to_be_made(location: Location) -> bool:
    """Whether there is nothing yet, or what a kill left of a store that was being made."""
    if not location.holds_something():
        return True
    return bool(opened(location, read_only=True).attrs.get(STARTED, False))


def check_same(store: SweepStore, identity: Mapping[str, Any]) -> None:
    """Refuse a store of another sweep; `InputError` says in what it differs."""
    before, now = _leaves(store.identity), _leaves(identity)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"the sweep in {store.location} was made with {key} = {before.get(key)}; to keep it, "
                f"give the changed study another name, or move the study's folder away",
                f"{key} = {now.get(key)}",
                before.get(key),
            )


def _check_designs(store: SweepStore, values: np.ndarray) -> None:
    """Refuse a plan that begins with other designs than the store; what cannot be read is no other."""
    both = min(len(store), len(values))
    for rows in slices(both, store.batch * SLAB):
        try:
            found = store.column(VALUES, rows)
        except InputError:  # damaged: drawn again when the store is mended
            continue
        other = np.any((found != values[rows]) & ~np.isnan(found), axis=1)
        if np.any(other):
            row = rows.start + int(np.argmax(other))
            raise InputError(
                f"the sweep in {store.location} holds other designs than the study asks for; give the "
                "changed study another name",
                f"row {row}: {values[row].tolist()}",
                found[row - rows.start].tolist(),
            )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to ``{"scenario.c_rate": 1.0}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= (
            _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
        )
    return flat


def _create(location: Location, plan: Plan, identity: dict[str, Any], batch: int) -> None:
    """Make an empty store of planned designs; the attributes that make it one come last."""
    group = zarr.open_group(location.zarr(read_only=False), mode="a", attributes={STARTED: True})

    def add(
        name: str, dtype: Any, fill: Any, attributes: dict[str, Any], *sizes: tuple[str, int]
    ) -> Any:
        # Designs are written once, all of them: they need no chunk of their own for each batch.
        rows = batch * SLAB if name == VALUES else batch
        dimensions = (("design", len(plan.values)), *sizes)
        return group.create_array(
            name,
            shape=tuple(size for _, size in dimensions),
            chunks=(rows, *(size for _, size in sizes)),
            dtype=dtype,
            fill_value=fill,
            chunk_key_encoding={"name": "default", "separator": "."},  # files, not a folder for each
            dimension_names=[dimension for dimension, _ in dimensions],
            attributes=attributes,
            compressors=[ZstdCodec(level=0), Crc32cCodec()],
            overwrite=True,
        )

    names = plan.space.names
    values = add(
        VALUES, "f8", np.nan, {"long_name": "design variables, in SI units"}, (VARIABLE, len(names))
    )
    values[:] = plan.values
    add(END, "i1", 0, {"long_name": "why the simulation stopped", **_FLAGS})
    add(MESSAGE, "str", "", {"long_name": "the solver's own words"})
    add(MADE_WITH, "i2", -1, {"long_name": "which entry of the attribute of this name simulated it"})
    for name, meaning in curves_of(tuple(identity["observables"])).items():
        add(name, "f8", np.nan, {"long_name": meaning, "units": unit_of(name) or "1"}, ("point", POINTS))
    for name, meaning in scalars_of(identity).items():
        add(name, "f8", np.nan, {"long_name": meaning, "units": unit_of(name) or "1"})
    labels = group.create_array(
        VARIABLE, shape=(len(names),), dtype="str", dimension_names=[VARIABLE], overwrite=True
    )
    labels[:] = np.array(names, dtype=object)
    consolidate(location)
    attributes = {
        SCHEMA: FORMAT,
        IDENTITY: identity,
        "rejected": plan.rejected,
        "choices": plan.space.labels,
        "made_with": [],
    }
    opened(location, read_only=False).attrs.put(attributes)


_FLAGS = {
    "flag_values": [int(end) for end in End],
    "flag_meanings": " ".join(end.label.replace(" ", "_") for end in End),
}
