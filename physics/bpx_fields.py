"""What of a BPX file is read: its version, the fields of the standard, and notes on all else."""

import re
from collections.abc import Mapping
from typing import Any

from electrograd.physics.bpx_expressions import is_arithmetic, one_line
from electrograd.physics.errors import InputError, nearest_name
from electrograd.physics.nearness import misspelt_name

NEWEST = (1, 1)
"""The standard's newest version that is known here."""
_HYSTERESIS = ("OCP (delithiation) [V]", "OCP (lithiation) [V]", "OCP hysteresis decay constant")
_USER = "User-defined"
_TOLD = 6
"""The most names that a note lists."""


def version_of(header: Mapping[str, Any], place: str) -> tuple[int, int]:
    """Return a file's version, (major, minor); raises `InputError` where it states none."""
    said = header.get("BPX")
    if said is None or not isinstance(said, str | int | float) or isinstance(said, bool):
        received = "nothing" if said is None else said
        rule = "the section 'Header' lacks the field 'BPX', the standard's version"
        raise InputError(rule, received, f'"{NEWEST[0]}.{NEWEST[1]}.0"', place)
    found = re.search(r"(\d{1,6})(?:\.(\d{1,6}))?", str(said))
    if found is None:
        rule = "'BPX' of the section 'Header' must be a version"
        raise InputError(rule, repr(said)[:80], f'"{NEWEST[0]}.{NEWEST[1]}.0"', place)
    return int(found[1]), int(found[2] or 0)


def read_version(header: dict[str, Any], place: str, notes: list[str]) -> bool:
    """Write the version as the reader takes it, say what is newer, and return whether it is BPX 0.x."""
    version = version_of(header, place)
    if version > NEWEST:
        notes.append(
            f"It is of BPX version {header['BPX']}, newer than {NEWEST[0]}.{NEWEST[1]}, and is read as "
            "if it were of that one."
        )
        version = NEWEST
    header["BPX"] = f"{version[0]}.{version[1]}.0"
    return version[0] == 0


def known_fields(
    section: str, content: Mapping[str, Any], known: Mapping[str, bool], place: str, notes: list[str]
) -> dict[str, Any]:
    """Return a section's fields of the standard.

    Parameters
    ----------
    section
        Its name.
    content
        Its fields.
    known
        By field of the standard, whether it is required.
    place
        The file.
    notes
        What is said of fields that are left out is added here.

    Raises
    ------
    InputError
        For a misspelt field.
    """
    ignored = []
    for name in content:
        if name in known:
            continue
        near = misspelt_name(name, known)
        if near and not (near in content and _bare(near) == _bare(name)):
            raise InputError(f"the section {section!r} knows no such field", name, near, place)
        ignored.append(name)
    if ignored:
        notes.append(f"Fields of {section!r} that BPX does not know are ignored: {_told(ignored)}.")
    # Null says no more than a field that is not there, where the standard lets it be left out.
    kept = {n: v for n, v in content.items() if n in known and (v is not None or known[n])}
    branches = [name for name in _HYSTERESIS if kept.pop(name, None) is not None]
    if branches:
        notes.append(
            f"Hysteresis of the {section.lower()} is ignored ({_told(branches)}): its potential is "
            "'OCP [V]', in charge and discharge."
        )
    return {name: _plain(value) for name, value in kept.items()}


def known_sections(
    content: Mapping[str, Any], known: tuple[str, ...], within: str, notes: list[str]
) -> dict[str, Any]:
    """Return the sections that are read; notes name the others."""
    ignored = [name for name in content if name not in known]
    if ignored:
        notes.append(f"Sections that BPX does not know are ignored{within}: {_told(ignored)}.")
    return {name: value for name, value in content.items() if name in known}


def user_defined(content: Any, notes: list[str]) -> dict[str, Any]:
    """Return what a file's own fields hold that a parameter can be: numbers, expressions, tables."""
    if not isinstance(content, dict):
        if content is not None:
            notes.append(f"{_USER!r} is ignored: it holds no fields.")
        return {}
    kept, text = {}, []
    for name, value in content.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number or _is_table(value) or (isinstance(value, str) and is_arithmetic(value)):
            kept[name] = one_line(_plain(value))
        elif name != "description":
            text.append(name)
    if text:
        notes.append(f"Fields of {_USER!r} that hold no number are ignored: {_told(text)}.")
    return kept


def known_state(
    content: Any, known: Mapping[str, Mapping[str, bool]], place: str, notes: list[str]
) -> Any:
    """Return the initial conditions and the surroundings that a file states, as far as they are read."""
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(
        v is None or isinstance(v, dict) for v in content.values()
    ):
        raise InputError(
            "the section 'State' must hold sections of fields", repr(content)[:80], None, place
        )
    if content.get("Degradation"):
        notes.append("The state's 'Degradation' is ignored: the cell is taken as the parameters say it.")
    stated = {name: value for name, value in content.items() if name != "Degradation"}
    sections = known_sections(stated, tuple(known), " in 'State'", notes)
    found = {}
    for name, fields in sections.items():
        kept = known_fields(name, fields or {}, known[name], place, notes)
        # The charge's own start is set later; PyBaMM would solve a balance to reach this one.
        kept.pop("Initial state-of-charge", None)
        hysteresis = [field for field in kept if "hysteresis" in field]
        if hysteresis:
            notes.append(f"Hysteresis is ignored: {_told(hysteresis)}.")
        found[name] = {field: value for field, value in kept.items() if field not in hysteresis}
    return found


def lacking(section: str, content: Mapping[str, Any], place: str, needed: str) -> InputError:
    """What is said where a section is not there, with one that may be meant for it."""
    near = nearest_name(section, [name for name in content if isinstance(content[name], dict)])
    return InputError(f"{needed} must have the section {section!r}", near or "nothing", where=place)


def _told(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:_TOLD])
    return shown + (f" and {len(names) - _TOLD} more" if len(names) > _TOLD else "")


def _bare(name: str) -> str:
    """A field's name without its unit."""
    return name.partition("[")[0].strip().lower()


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and {"x", "y"} <= set(value)


def _plain(value: Any) -> Any:
    """Return a table with its x and y alone; anything else as it is."""
    return {"x": value["x"], "y": value["y"]} if _is_table(value) else value
