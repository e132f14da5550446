"""What a channel's numbers must be."""

from collections.abc import Mapping
from typing import Any

from electrograd.physics.errors import InputError
from electrograd.physics.variables import CHANNEL_NAMES


def check_channel(side: str, values: Mapping[str, Any]) -> None:
    """Refuse a channel that is wider than its pitch, or deeper than its electrode, with `InputError`."""
    pitch, width, taper, end = (float(values[name(side)]) for name in CHANNEL_NAMES)
    for what, value in (("width at the separator", width), ("width at depth", width * taper)):
        if not 0 <= value < 1:
            raise InputError(
                f"a channel's {what} must be less than its pitch",
                f"{value:.3g} of the pitch ({value * pitch:.3g} m of {pitch:.3g} m)",
                "a share below 1",
            )
    if not 0 < end <= 1:
        raise InputError(
            f"a channel must end within the {side} electrode",
            f"{end:.3g} of its thickness",
            1.0 if end > 1 else "a share above 0",
        )
