"""The store: what is refused, what is mended, how it grows, and who may write."""

import dataclasses
import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from faults import IDENTITY, SPACE, Fake, job, plan
from zarr.storage import LocalStore

from electrograd.physics.charge import CURVES, End
from electrograd.physics.errors import InputError
from electrograd.sweeps import location
from electrograd.sweeps.filling import writing
from electrograd.sweeps.plan import Plan
from electrograd.sweeps.record import POINTS, Block, pack
from electrograd.sweeps.store import SweepStore


def block(rows: np.ndarray, values: np.ndarray) -> Block:
    fake = Fake(job())
    return pack([fake(SPACE.decode(values[row])) for row in rows], CURVES)


def filled(place: str | Path, designs: int = 10, done: int | None = None) -> SweepStore:
    """A store with its first designs simulated."""
    with writing(place, plan(designs), IDENTITY, batch=4) as store:
        for first in range(0, designs if done is None else done, 4):
            rows = np.arange(first, min(first + 4, designs))
            store.write(rows, block(rows, store.design_values), Fake.about)
    return SweepStore(place)


def same(one: SweepStore, other: SweepStore) -> None:
    """Bit for bit, every array and attribute."""
    for name in one._arrays:
        np.testing.assert_array_equal(one.column(name), other.column(name), err_msg=name)
    assert one._group.attrs.asdict() == other._group.attrs.asdict()


def test_three_lines_of_xarray(tmp_path: Path) -> None:
    filled(tmp_path / "s.zarr")
    with xr.open_zarr(tmp_path / "s.zarr") as data:
        assert data.sizes == {"design": 10, "variable": 2, "point": POINTS}
        assert list(data["variable"].values) == list(SPACE.names)
        ratio = data["design_values"].sel(variable="N/P ratio")
        np.testing.assert_array_equal(ratio, plan(10).values[:, 0])
        assert data["Voltage [V]"].attrs == {"units": "V", "long_name": "terminal voltage"}
        meanings = data["end"].attrs["flag_meanings"].split()
        assert meanings[data["end"].attrs["flag_values"].index(int(data["end"][0]))] == "voltage_cut-off"
        assert data["message"][3] == "ok"
        assert data.attrs["identity"]["rate"] == 1.0


@pytest.mark.parametrize("place", ["local", "memory://electrograd-tests/growing.zarr"])
def test_a_store_grows_and_holds_what_it_held(tmp_path: Path, place: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(location, "SETTLE", 0.0)  # nobody else comes
    place = str(tmp_path / "s.zarr") if place == "local" else place
    filled(place, designs=10)
    with writing(place, plan(22), IDENTITY) as store:
        assert len(store) == 22
        assert list(store.ends) == [End.VOLTAGE_CUT_OFF] * 10 + [End.PENDING] * 12
        for rows in (np.arange(10, 12), np.arange(12, 16), np.arange(16, 20), np.arange(20, 22)):
            store.write(rows, block(rows, store.design_values), Fake.about)
    same(SweepStore(place), filled(tmp_path / "whole.zarr", designs=22))
    with writing(place, plan(8), IDENTITY) as store:  # a shorter plan loses nothing
        assert len(store) == 22
    assert len(SweepStore(place).read(8)) == 8


def test_a_kill_while_growing_leaves_the_old_store(tmp_path: Path, monkeypatch: Any) -> None:
    place = tmp_path / "s.zarr"
    filled(place, designs=10)
    with monkeypatch.context() as patched:
        patched.setattr("electrograd.sweeps.store.consolidate", _killed)
        with pytest.raises(KeyboardInterrupt), writing(place, plan(22), IDENTITY):
            pass
    assert len(SweepStore(place)) == 10
    with xr.open_zarr(place) as data:
        assert data.sizes["design"] == 10
    assert np.all(SweepStore(place).ends == End.VOLTAGE_CUT_OFF)
    with writing(place, plan(14), IDENTITY) as store:  # to another size than the kill was to
        assert len(store) == 14
        np.testing.assert_array_equal(store.design_values, plan(14).values)


def test_a_kill_while_making_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    place = tmp_path / "s.zarr"
    with monkeypatch.context() as patched:
        patched.setattr("electrograd.sweeps.filling.consolidate", _killed)
        with pytest.raises(KeyboardInterrupt), writing(place, plan(22), IDENTITY):
            pass
    with pytest.raises(InputError, match="being made when its process ended"):
        SweepStore(place)
    filled(place)
    # Killed in its very first file.
    (tmp_path / "first.zarr").mkdir()
    (tmp_path / "first.zarr" / "zarr.0123.partial").write_text("{")
    filled(tmp_path / "first.zarr")


def _killed(*arguments: object) -> None:
    raise KeyboardInterrupt


DAMAGE = ["truncated", "deleted", "emptied", "altered"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *product(["Voltage [V]", "end", "design_values", "message", "made_with"], DAMAGE[:2]),
        *(("Voltage [V]", damage) for damage in DAMAGE[2:]),
    ],
)
def test_a_damaged_chunk_costs_its_batch(tmp_path: Path, name: str, damage: str, caplog: Any) -> None:
    whole = filled(tmp_path / "whole.zarr", designs=14)
    shutil.copytree(tmp_path / "whole.zarr", tmp_path / "s.zarr")
    file = {"Voltage [V]": "c.1.0", "design_values": "c.0.0"}.get(name, "c.1")
    chunk = tmp_path / "s.zarr" / name / file
    raw = chunk.read_bytes()
    match damage:
        case "truncated":
            chunk.write_bytes(raw[:-3])
        case "emptied":
            chunk.write_bytes(b"")
        case "altered":
            chunk.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        case "deleted":
            chunk.unlink()
    if damage != "deleted":
        with pytest.raises(InputError, match="the next sweep finds what is damaged"):
            SweepStore(tmp_path / "s.zarr").column(name)
    with writing(tmp_path / "s.zarr", plan(14), IDENTITY) as store:
        pending = np.flatnonzero(store.ends == End.PENDING)
        assert list(pending) == ([] if name == "design_values" else [4, 5, 6, 7])
        if pending.size:
            store.write(pending, block(pending, store.design_values), Fake.about)
    same(SweepStore(tmp_path / "s.zarr"), whole)
    # An end that is gone says pending, as a kill would have left it: nothing to tell.
    told = "4 designs in" in caplog.text and "were damaged" in caplog.text
    assert told == (name != "design_values" and (name, damage) != ("end", "deleted"))


@pytest.mark.parametrize("name", ["Voltage [V]", "end", "message"])
def test_damage_under_a_shorter_plan(tmp_path: Path, name: str) -> None:
    """The study asks for nine of fourteen designs; the damaged batch holds the ninth and three more."""
    whole = filled(tmp_path / "whole.zarr", designs=14)
    shutil.copytree(tmp_path / "whole.zarr", tmp_path / "s.zarr")
    chunk = tmp_path / "s.zarr" / name / ("c.2.0" if name == "Voltage [V]" else "c.2")
    chunk.write_bytes(chunk.read_bytes()[:-3])
    for designs in (9, 14):
        with writing(tmp_path / "s.zarr", plan(designs), IDENTITY) as store:
            pending = np.flatnonzero(store.ends[:designs] == End.PENDING)
            assert list(pending) == ([8] if designs == 9 else [9, 10, 11])
            store.write(pending, block(pending, store.design_values), Fake.about)
    same(SweepStore(tmp_path / "s.zarr"), whole)


def test_designs_that_only_a_longer_plan_can_restore(tmp_path: Path) -> None:
    filled(tmp_path / "s.zarr", designs=14)
    chunk = tmp_path / "s.zarr" / "design_values" / "c.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    with (
        pytest.raises(InputError, match=r"only by a study of all; .* nearest valid: 14 designs"),
        writing(tmp_path / "s.zarr", plan(9), IDENTITY),
    ):
        pass
    with writing(tmp_path / "s.zarr", plan(14), IDENTITY) as store:
        np.testing.assert_array_equal(store.design_values, plan(14).values)


def test_what_cannot_be_read_now_is_no_damage(tmp_path: Path, monkeypatch: Any) -> None:
    """A time-out of a network disk while the store is opened must not cost a single design."""
    place = tmp_path / "s.zarr"
    whole = filled(place, designs=14)
    before, get = _untouched(place), LocalStore.get

    async def timing_out(self: Any, key: str, *arguments: Any, **more: Any) -> Any:
        if key.startswith("Voltage [V]/c"):
            raise OSError(110, "Connection timed out")
        return await get(self, key, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "get", timing_out)
        with pytest.raises(OSError, match="timed out"), writing(place, plan(14), IDENTITY):
            pass
    assert _untouched(place) == before
    same(SweepStore(place), whole)


def test_names_and_missing_chunks_are_not_read_as_nothing(tmp_path: Path) -> None:
    place = tmp_path / "s.zarr"
    whole = filled(place, designs=14)
    (place / "variable" / "c" / "0").unlink()
    (place / "Voltage [V]" / "c.1.0").unlink()
    store = SweepStore(place)
    assert store.names == SPACE.names
    with pytest.raises(InputError, match="the next sweep finds what is damaged"):
        store.read()
    with writing(place, plan(14), IDENTITY) as mended:
        rows = np.arange(4, 8)
        mended.write(rows, block(rows, mended.design_values), Fake.about)
    same(SweepStore(place), whole)
    with xr.open_zarr(place) as data:
        assert list(data["variable"].values) == list(SPACE.names)


def test_a_grown_store_says_what_was_left_out(tmp_path: Path) -> None:
    place = tmp_path / "s.zarr"
    for designs, rejected in ((4, {"too thin": 1}), (8, {"too thin": 3}), (4, {"too thin": 1})):
        with writing(place, dataclasses.replace(plan(designs), rejected=rejected), IDENTITY):
            pass
    assert SweepStore(place).rejected == {"too thin": 3}


def test_part_of_a_batch_is_written_beside_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "s.zarr"
    with writing(place, plan(8), IDENTITY, batch=4) as store:
        for rows in (np.array([5]), np.array([4, 7]), np.array([6]), np.arange(4)):
            store.write(rows, block(rows, store.design_values), Fake.about)
    same(SweepStore(place), filled(tmp_path / "whole.zarr", designs=8))


def _untouched(place: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}


def _edit(place: Path, change: Any) -> None:
    record = json.loads((place / "zarr.json").read_text())
    change(record)
    (place / "zarr.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda p: (p / "zarr.json").write_text("{"), "its metadata whole; nothing in it was touched"),
        (lambda p: (p / "zarr.json").unlink(), "its metadata whole; nothing in it was touched"),
        (lambda p: (p / "zarr.json").write_bytes(b"\xff"), "its metadata whole"),
        (lambda p: (p / "zarr.json").write_text("[]"), "its metadata whole"),
        (lambda p: _edit(p, lambda r: r.update(attributes={})), "a Zarr group that is no sweep"),
        (
            lambda p: _edit(p, lambda r: r["attributes"].update(format=99)),
            "received: format 99; nearest",
        ),
        (
            lambda p: _edit(p, lambda r: r.update(attributes={"identity": {"format": 2}})),
            "received: format 2; nearest valid: format 5",
        ),
        (lambda p: _edit(p, lambda r: r["attributes"].pop("identity")), "its metadata whole"),
        (lambda p: _edit(p, lambda r: r["attributes"].update(identity=3)), "its metadata whole"),
        (
            lambda p: _edit(p, lambda r: r["consolidated_metadata"]["metadata"].pop("end")),
            "its metadata whole",
        ),
    ],
)
def test_what_is_no_sweep_of_ours_is_refused_and_not_touched(
    tmp_path: Path, harm: Any, message: str
) -> None:
    place = tmp_path / "s.zarr"
    filled(place)
    harm(place)
    before = _untouched(place)
    for act in (lambda: SweepStore(place), lambda: writing(place, plan(10), IDENTITY).__enter__()):
        with pytest.raises(InputError, match=message):
            act()
    assert _untouched(place) == before


def test_a_folder_or_a_group_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("meow")
    zarr.create_group(tmp_path / "theirs.zarr", attributes={"theirs": 1})
    (tmp_path / "file").write_text("a file")
    for name in ("photos", "theirs.zarr", "file"):
        with (
            pytest.raises(InputError, match="must be a sweep"),
            writing(tmp_path / name, plan(10), IDENTITY),
        ):
            pass
    assert (tmp_path / "photos" / "cat.png").read_text() == "meow"
    assert (tmp_path / "file").read_text() == "a file"
    with pytest.raises(InputError, match="there is no sweep"):
        SweepStore(tmp_path / "nothing.zarr")


def test_a_store_of_another_sweep_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "s.zarr"
    filled(place)
    before = _untouched(place)
    with (
        pytest.raises(
            InputError, match=r"was made with rate = 1.0.*received: rate = 2.0; nearest valid: 1.0"
        ),
        writing(place, plan(10), {**IDENTITY, "rate": 2.0}),
    ):
        pass
    with pytest.raises(InputError, match=r"sampler\.seed = 3"), writing(place, plan(10, 4), IDENTITY):
        pass
    other = Plan(SPACE, plan(10).values[::-1], plan(10).sampler, {})
    with (
        pytest.raises(InputError, match=r"other designs than the study asks for.*row 0"),
        writing(place, other, IDENTITY),
    ):
        pass
    assert _untouched(place) == before


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "s.zarr"
    with writing(place, plan(10), IDENTITY) as store:
        assert "process" in str(store.location.writer())
        with (
            pytest.raises(InputError, match=r"one process at a time.*another writer, process"),
            writing(place, plan(10), IDENTITY),
        ):
            pass
        assert len(SweepStore(place)) == 10  # reading goes on
    assert SweepStore(place).location.writer() is None
    with writing(place, plan(10), IDENTITY):
        pass
