"""Which number a person meant: another unit's, a percentage, a sign, a comma, a unit written out."""

import math
import re
from collections.abc import Callable, Iterator

_SCALES: dict[str, tuple[float, ...]] = {
    "m": (1e-6, 1e-3, 1e-9, 1e-2),
    "V": (1e-3, 0.1),
    "s": (60.0, 3600.0, 1e-3),
    "A.h.m-2": (10.0,),
    "mol.m-3": (1000.0,),
    "W.h.kg-1": (1000.0,),
    "W.h.L-1": (1000.0, 1e-3),
    "share": (1e-2,),
}
"""By unit, factors from the units that people use instead, the likeliest first."""
_WRITTEN: dict[str, tuple[float, str]] = {
    "%": (1e-2, "share"),
    "nm": (1e-9, "m"),
    "um": (1e-6, "m"),
    "µm": (1e-6, "m"),
    "μm": (1e-6, "m"),
    "mm": (1e-3, "m"),
    "cm": (1e-2, "m"),
    "m": (1.0, "m"),
    "mv": (1e-3, "V"),
    "v": (1.0, "V"),
    "min": (60.0, "s"),
    "h": (3600.0, "s"),
    "s": (1.0, "s"),
    "k": (1.0, "K"),
}
"""By unit as it is written, its factor into the unit on the right."""
_CELSIUS = 273.15
_NUMBER = re.compile(r"([-+]?)\s*((?:\d[\d.,' ]*|\.\d+)(?:e[-+]?\d+)?)\s*(.*)", re.IGNORECASE)


def unit_meant(name: str) -> str:
    """Return the unit of a quantity by its name; "share" and "1/h" for numbers that are such."""
    if name.endswith("]"):
        return name.rpartition("[")[2].rstrip("]")
    plain = name.lower()
    if "rate" in plain:
        return "1/h"
    return "share" if re.search(r"share|porosity|fraction|over |taper|n/p", plain) else ""


def scales(unit: str) -> tuple[float, ...]:
    """Return the factors from units that people use instead, the likeliest first."""
    return _SCALES.get(unit, ())


def meant(value: object, unit: str, fits: Callable[[float], bool]) -> float | None:
    """Return the number that a person can have meant by a value that does not fit.

    Parameters
    ----------
    value
        What was received: a number, or text.
    unit
        Of the quantity, as `unit_meant` gives it.
    fits
        Whether a number is valid.

    Returns
    -------
    float or None
        In the quantity's unit, to twelve digits; None where no likely slip leads to a valid one.
    """
    for number in _likely(value, unit):
        rounded = float(f"{number:.12g}")
        if math.isfinite(rounded) and fits(rounded):
            return rounded
    return None


def _likely(value: object, unit: str) -> Iterator[float]:
    """What a value may stand for, the likeliest first."""
    if isinstance(value, bool) or value is None:
        return
    if not isinstance(value, int | float):
        yield from _in_text(str(value), unit)
        return
    try:
        number = float(value)
    except OverflowError:
        return
    for base in (number, -number) if number < 0 else (number,):
        yield base
        if unit == "K":
            yield base + _CELSIUS
        if unit != "share" or base > 1:
            yield from (base * scale for scale in scales(unit))


def _in_text(text: str, unit: str) -> Iterator[float]:
    """Numbers in text such as "4,2 V", "4,200", "25 °C", "80 %", "C/3" or "1/3"."""
    plain = text.strip().lower().replace("−", "-")
    inverse = re.fullmatch(r"(c|\d+)\s*/\s*(\d+)\s*c?", plain)
    if inverse and int(inverse[2]):
        yield (1 if inverse[1] == "c" else int(inverse[1])) / int(inverse[2])
        return
    found = _NUMBER.fullmatch(plain)
    if not found:
        return
    for number in _read(found[2]):
        signed = -number if found[1] == "-" else number
        written = found[3].strip()
        if written in ("°c", "c", "degc") and unit == "K":
            yield signed + _CELSIUS
        elif written in _WRITTEN and _WRITTEN[written][1] == unit:
            yield signed * _WRITTEN[written][0]
        else:
            yield from _likely(signed, unit)


def _read(digits: str) -> Iterator[float]:
    """Read digits with points, commas or blanks: a decimal comma first, then thousands."""
    bare = re.sub(r"[' ]", "", digits)
    readings = [bare, bare.replace(",", "")]
    if bare.count(",") == 1:
        readings = [bare.replace(".", "").replace(",", "."), *readings]
    for reading in readings:
        try:
            yield float(reading)
        except ValueError:
            continue
