"""Reading a JSON file that a stranger wrote: any Unicode encoding with a mark, and only JSON."""

import json
from pathlib import Path
from typing import Any

from electrograd.physics.errors import InputError

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Parameters
    ----------
    path
        Of the file; a byte-order mark is passed over.
    what
        The file in words, such as "the cell's file".

    Raises
    ------
    InputError
        For a file that cannot be read, is no JSON, or holds something else than an object.
    """
    place = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        inside = path / "parameter_values.json"
        near = inside if path.is_dir() and inside.is_file() else None
        raise InputError(f"{what} must be readable", error.strerror, near, place) from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        found = json.loads(data.decode(encoding), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} must be JSON", error, where=place) from error
    if not isinstance(found, dict):
        raise InputError(f"{what} must hold an object", type(found).__name__, where=place)
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")
