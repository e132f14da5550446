"""A box of design variables and the designs drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.stats import qmc

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.variables import VARIABLES


@dataclass(frozen=True)
class DesignSpace:
    """Design variables with their bounds, in a fixed order.

    Attributes
    ----------
    names
        Names of design variables.
    lower, upper
        Bounds in SI units, in the order of ``names``.

    Raises
    ------
    InputError
        For an unknown name, or bounds that are not plausible and ascending.
    """

    names: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, low, high in zip(self.names, self.lower, self.upper, strict=True):
            check_name(name, VARIABLES, "a design variable must be one this release knows")
            valid = VARIABLES[name]
            if not valid.lower <= low < high <= valid.upper:
                raise InputError(
                    f"bounds of {name!r} must ascend within [{valid.lower:g}, {valid.upper:g}]",
                    f"[{low:g}, {high:g}]",
                    nearest_bounds(name, low, high),
                )

    @classmethod
    def from_bounds(cls, bounds: Mapping[str, Sequence[float]]) -> "DesignSpace":
        """Make a space from ``{name: (lower, upper)}``."""
        lower, upper = zip(*((float(low), float(high)) for low, high in bounds.values()), strict=True)
        return cls(tuple(bounds), lower, upper)

    def __len__(self) -> int:
        return len(self.names)

    def sobol(self, designs: int, seed: int) -> Float[np.ndarray, "designs variables"]:
        """Scrambled Sobol designs; more of the same seed begin with the same designs.

        Balanced when ``designs`` is a power of two.
        """
        sampler = qmc.Sobol(len(self), scramble=True, rng=np.random.default_rng(seed))
        # Drawn as a whole power of two, so that other counts raise no warning, then cut.
        unit = sampler.random_base2(max(0, (designs - 1).bit_length()))[:designs]
        return qmc.scale(unit, self.lower, self.upper)

    def contains(self, design: Mapping[str, float], tolerance: float = 1e-9) -> bool:
        """Whether the design lies within the box, give or take a relative tolerance of the width."""
        return all(
            low - tolerance * (high - low) <= design[name] <= high + tolerance * (high - low)
            for name, low, high in zip(self.names, self.lower, self.upper, strict=True)
        )

    def to_dict(self) -> dict[str, list[float]]:
        """Return ``{name: [lower, upper]}`` for JSON."""
        return {
            name: [low, high] for name, low, high in zip(self.names, self.lower, self.upper, strict=True)
        }


def nearest_bounds(name: str, lower: float, upper: float) -> str:
    """Suggest valid bounds near the given ones: swapped, in another unit's scale, or cut."""
    valid = VARIABLES[name]
    low, high = sorted((lower, upper))
    # A length in µm or mm is the commonest slip: try the powers of a thousand.
    for scale in (1.0, 1e-6, 1e-3, 1e-2):
        if valid.lower <= low * scale < high * scale <= valid.upper:
            return f"[{low * scale:g}, {high * scale:g}]"
    low, high = max(low, valid.lower), min(high, valid.upper)
    return f"[{low:g}, {high:g}]" if low < high else f"[{valid.lower:g}, {valid.upper:g}]"


MOST_CORNERS = 8
"""Up to so many variables, every corner of a box is looked at."""


def check_box(cell: Cell, space: DesignSpace, drawn: int = 256) -> None:
    """Refuse a box that holds designs which nobody can build, as far as drawing designs can tell.

    Raises
    ------
    InputError
        With the first such design: fractions that cannot close, a negative electrode of implausible
        thickness, a channel wider than its pitch.
    """
    ends = list(zip(space.lower, space.upper, strict=True))
    corners = product(*ends) if len(ends) <= MOST_CORNERS else zip(*ends, strict=True)
    for row in (*corners, *space.sobol(drawn, seed=0)):
        design = dict(zip(space.names, map(float, row), strict=True))
        try:
            cell.check(design)
        except InputError as error:
            where = ", ".join(f"{name} = {value:.4g}" for name, value in design.items())
            raise InputError(
                f"every design of the box must be one that can be built: {error.rule}",
                f"{error.value}, at {where}",
                error.nearest,
            ) from error
