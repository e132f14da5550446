"""What is built into an electrode besides its thickness: graded porosity, and channels.

Depth is counted as a share of the electrode's thickness, from the separator (0) to the collector (1). A
coating has a porosity along the depth; channels cut into it take an area share along the depth:

    solids(ξ) = (1 - φ(ξ)) (1 - ε_matrix(ξ)),   ε(ξ) = 1 - solids(ξ),   ε_active(ξ) = s · solids(ξ)

so that the fractions close in every control volume, whatever is varied. Everything here works on
floats, NumPy and JAX arrays and PyBaMM expressions alike, and in averages over control volumes, so that
a layer's border may lie anywhere, and no lithium is lost to a mesh whose points divide 240.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from electrograd.physics.errors import InputError
from electrograd.physics.profiles import Minimum, layered, smooth
from electrograd.physics.structure_checks import check_channel
from electrograd.physics.variables import (
    CHANNEL_NAMES,
    MOST,
    SIDES,
    channel_pitch,
    channel_width,
    coating_mean,
    densification,
    knot_porosity,
    layer_porosity,
    layer_share,
    porosity,
    shift,
)

SHAPES = ("slit", "hole")
MASS_RULES = ("ablated", "conserved")
CELLS = 240
"""Control volumes over which closed-form means are taken; a multiple of the usual meshes."""
HEXAGONAL = math.pi / (2 * math.sqrt(3))
"""Area share of holes as wide as their pitch in a hexagonal array."""


@dataclass(frozen=True)
class ElectrodeStructure:
    """How one electrode is built.

    Attributes
    ----------
    side
        "negative" or "positive".
    layers, knots
        How many layers, or knots of a smooth profile (two knots: linear), its porosity has; 0: uniform.
    channel
        "slit", "hole", or "" for none.
    mass
        "ablated": what the channels take is lost; "conserved": the matrix holds it.
    """

    side: str
    layers: int = 0
    knots: int = 0
    channel: str = ""
    mass: str = "ablated"

    @property
    def plain(self) -> bool:
        """Whether the electrode is uniform and without channels."""
        return not (self.layers or self.knots or self.channel)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the design variables that this structure has besides the uniform ones."""
        layers = range(1, self.layers + 1)
        return (
            *(layer_porosity(self.side, k) for k in layers),
            *(layer_share(self.side, k) for k in layers[:-1]),
            *(knot_porosity(self.side, k) for k in range(1, self.knots + 1)),
            *(name(self.side) for name in CHANNEL_NAMES if self.channel),
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the numbers that a built model needs of a design for this structure."""
        if self.plain:
            return (coating_mean(self.side),)
        uniform = not (self.layers or self.knots)
        profile = coating_mean(self.side) if uniform else shift(self.side)
        return (*self.variables, profile, densification(self.side))

    def defaults(self, uniform: Any) -> dict[str, Any]:
        """Values of what a design may leave out, given its uniform porosity.

        Layers are equal in thickness, all porosities the uniform one, channels straight, of full depth
        and no width: the design that says nothing is the uniform electrode.
        """
        names = (*(layer_porosity(self.side, k) for k in range(1, self.layers + 1)),)
        names += (*(knot_porosity(self.side, k) for k in range(1, self.knots + 1)),)
        shares = {layer_share(self.side, k): 1 / self.layers for k in range(1, self.layers)}
        channel = dict(
            zip((name(self.side) for name in CHANNEL_NAMES), (1e-4, 0.0, 1.0, 1.0), strict=True)
        )
        return {**dict.fromkeys(names, uniform), **shares, **(channel if self.channel else {})}

    def channel_share(self, values: Mapping[str, Any], depth: Any, cell: float, least: Minimum) -> Any:
        """Area share of the channels, averaged over control volumes.

        Parameters
        ----------
        values
            The variables by name.
        depth
            Centres of the control volumes, as a share of the thickness from the separator.
        cell
            Their width, in the same share.
        least
            Elementwise minimum of the kind of numbers that are used.
        """
        if not self.channel:
            return 0.0 * depth
        width, taper, end = (values[name(self.side)] for name in CHANNEL_NAMES[1:])

        def integral(at: Any) -> Any:
            """∫ of the area share from the separator; the width falls linearly with depth."""
            inside = least(at, end)
            slope = (taper - 1) / end
            if self.channel == "slit":
                return width * (inside + slope * inside**2 / 2)
            square = inside + slope * inside**2 + slope**2 * inside**3 / 3
            return HEXAGONAL * width**2 * square

        return (integral(depth + cell / 2) - integral(depth - cell / 2)) / cell

    def coating_porosity(
        self, values: Mapping[str, Any], depth: Any, cell: float, least: Minimum
    ) -> Any:
        """Porosity of the coating before channels and shift, averaged over control volumes."""
        if self.layers:
            count = range(1, self.layers + 1)
            porosities = [values[layer_porosity(self.side, k)] for k in count]
            shares = [values[layer_share(self.side, k)] for k in count[:-1]]
            return layered(porosities, shares, depth, cell, least)
        if self.knots:
            knots = [values[knot_porosity(self.side, k)] for k in range(1, self.knots + 1)]
            return smooth(knots, depth, cell, least)
        return values[coating_mean(self.side)] + 0.0 * depth

    def matrix_porosity(self, values: Mapping[str, Any], depth: Any, cell: float, least: Minimum) -> Any:
        """Porosity of what stands between the channels, averaged over control volumes."""
        coating = self.coating_porosity(values, depth, cell, least) + values.get(shift(self.side), 0.0)
        return 1 - values.get(densification(self.side), 1.0) * (1 - coating)

    def averaged(
        self,
        function: Callable[[Any, Any], Any],
        values: Mapping[str, Any],
        depth: Any,
        points: int,
        least: Minimum,
    ) -> Any:
        """Average a function of the channels' area share and the matrix porosity over control volumes.

        Parameters
        ----------
        function
            Of (area share of the channels, porosity of the matrix).
        values
            The variables by name.
        depth
            Centres of the control volumes, as a share of the thickness from the separator.
        points
            How many control volumes the electrode has.
        least
            Elementwise minimum of the kind of numbers that are used.
        """
        # The mean of a product is not the product of means: where both factors vary, volumes are parted,
        # as finely as the closed-form means are taken.
        both = bool(self.channel) and bool(self.layers or self.knots)
        parts = max(1, CELLS // points) if both else 1
        total = 0.0
        for k in range(parts):
            at = depth + ((k + 0.5) / parts - 0.5) / points
            total = total + function(
                self.channel_share(values, at, 1 / (parts * points), least),
                self.matrix_porosity(values, at, 1 / (parts * points), least),
            )
        return total / parts

    def complete(self, values: Mapping[str, Any], mean_given: bool) -> dict[str, Any]:
        """Return the structure's numbers with its defaults, and the electrode's mean porosity.

        Parameters
        ----------
        values
            A design's values; its ``porosity`` is the coating's mean, in what is returned it is the
            electrode's, channels counted.
        mean_given
            Whether the design states the mean porosity: a graded profile is then shifted to it.
        """
        if self.plain:
            return {coating_mean(self.side): values[porosity(self.side)]}
        given = {name: values[name] for name in self.variables if name in values}
        filled = {**self.defaults(values[porosity(self.side)]), **given}
        stated = filled[coating_mean(self.side)] = values[porosity(self.side)]
        depth, cell = (np.arange(CELLS) + 0.5) / CELLS, 1 / CELLS
        column = {name: jnp.asarray(value)[..., None] for name, value in filled.items()}
        if self.layers or self.knots:
            own = self.coating_porosity(column, depth, cell, jnp.minimum).mean(-1)
            filled[coating_mean(self.side)] = stated if mean_given else own
            filled[shift(self.side)] = filled[coating_mean(self.side)] - own
            column[shift(self.side)] = jnp.asarray(filled[shift(self.side)])[..., None]
        solids = 1 - self.matrix_porosity(column, depth, cell, jnp.minimum)
        kept = ((1 - self.channel_share(column, depth, cell, jnp.minimum)) * solids).mean(-1)
        factor = solids.mean(-1) / kept if self.mass == "conserved" else jnp.ones_like(kept)
        filled[densification(self.side)] = factor
        filled[porosity(self.side)] = 1 - factor * kept
        return filled

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse a completed design that cannot be built.

        Raises
        ------
        InputError
            For a layer without thickness, a porosity outside (0, 1) somewhere, or a channel wider than
            its pitch or deeper than its electrode.
        """
        if self.plain:
            return
        shares = [float(values[layer_share(self.side, k)]) for k in range(1, self.layers)]
        if shares and (min(shares) <= 0 or sum(shares) >= 1):
            raise InputError(
                f"every layer of the {self.side} electrode must have a thickness, the last one too",
                f"shares {shares}",
                f"shares above 0 that sum to less than 1, such as {1 / self.layers:.3g} each",
            )
        if self.channel:
            check_channel(self.side, values)
        depth = (np.arange(CELLS) + 0.5) / CELLS
        matrix = np.asarray(self.matrix_porosity(values, depth, 1 / CELLS, np.minimum))
        for k in (int(matrix.argmin()), int(matrix.argmax())):
            if not 0 < matrix[k] < 1:
                where = "porosity between channels" if self.channel else "the porosity's profile"
                raise InputError(
                    f"{where} must lie inside (0, 1) all through the {self.side} electrode, or its "
                    "fractions cannot close",
                    f"{matrix[k]:.4g} at {depth[k]:.2f} of the depth from the separator",
                    "a milder profile" + (", or smaller channels" if self.channel else ""),
                )


@dataclass(frozen=True)
class Structure:
    """How both electrodes of a cell are built: uniform by default."""

    negative: ElectrodeStructure = ElectrodeStructure("negative")
    positive: ElectrodeStructure = ElectrodeStructure("positive")

    def __iter__(self) -> Any:
        return iter((self.negative, self.positive))

    @property
    def plain(self) -> bool:
        """Whether both electrodes are uniform and without channels."""
        return self.negative.plain and self.positive.plain

    @property
    def channelled(self) -> bool:
        """Whether an electrode has channels."""
        return bool(self.negative.channel or self.positive.channel)

    @property
    def variables(self) -> tuple[str, ...]:
        """Design variables of both electrodes besides the uniform ones."""
        return (*self.negative.variables, *self.positive.variables)

    @classmethod
    def of(cls, names: Iterable[str], shape: str = "slit", mass: str = "ablated") -> "Structure":
        """Read the structure off the names of design variables.

        Parameters
        ----------
        names
            Names of all variables that are varied or set.
        shape, mass
            Of the channels, where the names speak of any.

        Raises
        ------
        InputError
            For an unknown shape or mass rule, layers together with knots, or numbers left out between.
        """
        for value, valid, what in ((shape, SHAPES, "shape"), (mass, MASS_RULES, "mass rule")):
            if value not in valid:
                raise InputError(f"a channel's {what} must be one of {valid}", value, valid[0])
        names = set(names)
        built = {}
        for side in SIDES:
            layers = _count(names, layer_porosity, side, "layer")
            knots = _count(names, knot_porosity, side, "knot")
            if layers and knots:
                raise InputError(
                    f"the {side} electrode's porosity is given by layers or by knots",
                    "both",
                    "one of them",
                )
            channels = any(name(side) in names for name in CHANNEL_NAMES)
            for needed in (channel_pitch(side), channel_width(side)):
                if channels and needed not in names:
                    raise InputError("a channel needs its pitch and its width", f"no {needed!r}")
            built[side] = ElectrodeStructure(
                side,
                layers,
                knots,
                channel=shape if channels else "",
                mass=mass,
            )
        return cls(**built)

    def to_dict(self) -> dict[str, Any]:
        """Return the structure as plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Structure":
        """Rebuild a structure from `to_dict`."""
        return cls(**{side: ElectrodeStructure(**data[side]) for side in SIDES})


def _count(names: set[str], name: Callable[[str, int], str], side: str, what: str) -> int:
    """How many layers, or knots, are named; at least two, none left out."""
    pattern = re.compile(re.escape(name(side, 0))[:-1] + r"(\d+)$")
    found = {int(match[1]) for match in map(pattern.match, names) if match}
    count = max(found, default=0)
    if found and (len(found) < 2 or found != set(range(1, count + 1)) or count > MOST):
        raise InputError(
            f"the {what}s of the {side} electrode count from 1 (at the separator), 2 to {MOST} of them",
            f"{sorted(found)}",
            f"{what}s 1 to {min(max(count, 2), MOST)}",
        )
    return count
