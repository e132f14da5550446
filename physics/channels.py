"""Channels in a porous electrode: slits, holes and general shapes, as geometry alone.

A channel starts at the separator. Depth is measured from there into the electrode [m], the lateral
coordinate from the channel's middle to the middle of the matrix [m]. By symmetry half a pitch (slit), or
a circle of the same area as a hexagon of the array (hole), stands for the whole electrode.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from electrograd.physics.errors import InputError, check_name

CHANNEL_POROSITY = 0.95
"""Porosity inside a channel: nearly free electrolyte, with what binder and debris ablation leaves."""

SLIT, HOLE = "slit", "hole"

HEXAGON = math.sqrt(math.sqrt(3) / (2 * math.pi))
"""Radius of the circle of equal area over the pitch of a hexagonal array."""

Content = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Channel content in [0, 1] of (depth share, lateral share), arrays of one shape."""


@dataclass(frozen=True)
class Channel:
    """A straight or tapered channel of one of two cross-sections.

    Attributes
    ----------
    shape
        "slit" (a groove along the third direction) or "hole" (round, in a hexagonal array).
    pitch
        Centre to centre of neighbours [m].
    width
        Full width of the slit or diameter of the hole at the separator [m].
    depth
        From the separator into the electrode [m].
    bottom_width
        The same width at full depth [m], linear in between; ``width`` by default.

    Raises
    ------
    InputError
        For an unknown shape, a size that is not positive, or a channel that fills its pitch.
    """

    shape: str
    pitch: float
    width: float
    depth: float
    bottom_width: float = math.nan

    def __post_init__(self) -> None:
        check_name(self.shape, (SLIT, HOLE), "a channel must be a slit or a hole")
        if math.isnan(self.bottom_width):
            object.__setattr__(self, "bottom_width", self.width)
        for name in ("pitch", "width", "depth", "bottom_width"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"a channel's {name} must be positive and finite [m]", value, 1e-6)
        widest = max(self.width, self.bottom_width)
        if widest >= 2 * self.half_cell:
            rule = "a channel must be narrower than its pitch (for a hole: than its unit cell) [m]"
            raise InputError(rule, widest, f"below {2 * self.half_cell:.4g}")

    @property
    def half_cell(self) -> float:
        """Half a pitch (slit), or the radius of the circle that stands for the hexagon (hole) [m]."""
        return self.pitch / 2 if self.shape == SLIT else self.pitch * HEXAGON

    def check(self, thickness: float) -> None:
        """Raise `InputError` if the channel is deeper than an electrode of ``thickness`` [m]."""
        if self.depth > thickness * (1 + 1e-9):
            raise InputError(
                "a channel must not be deeper than its electrode [m]", self.depth, thickness
            )

    def half_width(self, depth: np.ndarray) -> np.ndarray:
        """Half width or radius at a depth [m]; below the channel's bottom that of the bottom."""
        share = np.minimum(np.asarray(depth) / self.depth, 1.0)
        return np.asarray((self.width + (self.bottom_width - self.width) * share) / 2)

    def area_fraction(self, depth: np.ndarray) -> np.ndarray:
        """Channel's share of the cross-section at a depth [m]; zero below its bottom."""
        share = self.half_width(depth) / self.half_cell
        share = share if self.shape == SLIT else share**2
        return np.where(np.asarray(depth) <= self.depth, share, 0.0)

    def volume_fraction(self, thickness: float) -> float:
        """Channel's share of the electrode's volume, exact."""
        self.check(thickness)
        top, bottom = self.width / 2 / self.half_cell, self.bottom_width / 2 / self.half_cell
        mean = (top + bottom) / 2 if self.shape == SLIT else (top**2 + top * bottom + bottom**2) / 3
        return mean * self.depth / thickness

    def inside(self, depth: np.ndarray, lateral: np.ndarray, steepness: float = math.inf) -> np.ndarray:
        """Channel content at points [m]: 0 or 1, or a logistic edge.

        Parameters
        ----------
        depth, lateral
            Distance from the separator and from the channel's middle [m].
        steepness
            Of the logistic across the wall per half unit cell; infinite is the sharp edge.
        """
        gap = (self.half_width(depth) - np.abs(lateral)) / self.half_cell
        edge = np.where(gap >= 0, 1.0, 0.0)
        if math.isfinite(steepness):
            edge = 0.5 * (1 + np.tanh(steepness * gap / 2))
        return np.where(np.asarray(depth) <= self.depth, edge, 0.0)


@dataclass(frozen=True)
class ChannelShape:
    """A channel of any shape that one unit cell can hold.

    Attributes
    ----------
    shape
        "slit": the same along the third direction; "hole": a body of revolution.
    pitch
        Centre to centre of neighbours [m].
    content
        Channel content in [0, 1] of depth share (0 separator, 1 current collector) and lateral share
        (0 the channel's middle, 1 the middle of the wall), for arrays of one shape.
    """

    shape: str
    pitch: float
    content: Content

    def __post_init__(self) -> None:
        check_name(self.shape, (SLIT, HOLE), "a channel must be a slit or a hole")
        if not (self.pitch > 0 and math.isfinite(self.pitch)):
            raise InputError("a channel's pitch must be positive and finite [m]", self.pitch, 100e-6)

    @property
    def half_cell(self) -> float:
        """Half a pitch (slit), or the radius of the circle that stands for the hexagon (hole) [m]."""
        return self.pitch / 2 if self.shape == SLIT else self.pitch * HEXAGON

    def check(self, thickness: float) -> None:
        """Accept any thickness: the depth is a share of it."""

    def mean_content(self, depth_share: np.ndarray, points: int = 512) -> np.ndarray:
        """Mean content of the cross-section at shares of depth, by the midpoint rule.

        Raises
        ------
        InputError
            If the content leaves [0, 1].
        """
        lateral = (np.arange(points) + 0.5) / points
        depth = np.asarray(depth_share, dtype=float)
        content = self.content(*np.broadcast_arrays(depth[..., None], lateral))
        check_content(content)
        weight = np.ones(points) if self.shape == SLIT else 2 * lateral
        return (content * weight).mean(axis=-1)

    def volume_fraction(self, points: int = 512) -> float:
        """Channel's share of the electrode's volume, by the midpoint rule."""
        return float(self.mean_content((np.arange(points) + 0.5) / points).mean())


def check_content(content: np.ndarray) -> None:
    """Raise `InputError` if a channel content leaves [0, 1]."""
    if not (np.all(content >= 0) and np.all(content <= 1)):
        worst = content.flat[np.argmax(np.abs(np.nan_to_num(content, nan=np.inf) - 0.5))]
        raise InputError("a channel's content must stay within 0 and 1", float(worst), "0 to 1")


@dataclass(frozen=True)
class Vascular:
    """A main channel with branches, like a leaf's veins: `content` of a `ChannelShape`.

    The main channel narrows linearly to its bottom. Branches run sideways from it at even depths; their
    thickness and their length change linearly from the first (nearest the separator) to the last.
    Lengths are shares: lateral ones of the half unit cell, those along the depth of the thickness.

    Attributes
    ----------
    width, bottom_width, depth
        Half width of the main channel at the separator and at its bottom, and its depth.
    branches
        Number of branches; none leaves the main channel alone.
    first_reach, last_reach
        How far the first and the last branch reach from the middle.
    first_thickness, last_thickness
        Their thickness along the depth.
    """

    width: float = 0.20
    bottom_width: float = 0.08
    depth: float = 0.90
    branches: int = 3
    first_reach: float = 0.45
    last_reach: float = 0.75
    first_thickness: float = 0.05
    last_thickness: float = 0.03

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "branches":
                if value < 0:
                    raise InputError("a vascular channel's branches must not be negative", value, 0)
            elif not 0 < value <= 1:
                raise InputError(f"a vascular channel's {field.name} is a share in (0, 1]", value, 0.5)

    def __call__(self, depth: np.ndarray, lateral: np.ndarray) -> np.ndarray:
        """Content, 0 or 1, at shares of depth and of the half unit cell."""
        fall = np.minimum(depth / self.depth, 1.0)
        wall = self.width + (self.bottom_width - self.width) * fall
        open_ = (lateral <= wall) & (depth <= self.depth)
        for branch in range(self.branches):
            rank = branch / max(self.branches - 1, 1)
            centre = self.depth * (branch + 1) / (self.branches + 1)
            reach = self.first_reach + (self.last_reach - self.first_reach) * rank
            thickness = self.first_thickness + (self.last_thickness - self.first_thickness) * rank
            open_ |= (np.abs(depth - centre) <= thickness / 2) & (lateral <= reach)
        return open_.astype(float)


def vascular(shape: str, pitch: float, veins: Vascular | None = None) -> ChannelShape:
    """Return the vascular preset at a pitch [m]; see `Vascular` for its parameters."""
    return ChannelShape(shape, pitch, Vascular() if veins is None else veins)
