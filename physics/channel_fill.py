"""What fills the unit cell of a channel: fractions and transport factors from a design's inputs.

As in the resolved model, ε = c ε_ch + (1 - c) ε_m and so on, with c the channel's share of a node's
volume, which the `Grid` knows.
"""

from dataclasses import dataclass
from typing import Any

from electrograd.physics.channel_grid import BELOW, BESIDE, POSITIVE, SEPARATOR, ChannelMesh, Grid
from electrograd.physics.channels import HEXAGON, HOLE
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.structure import ElectrodeStructure
from electrograd.physics.variables import (
    CHANNEL_NAMES,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_THICKNESS,
    coating_mean,
    densification,
)

DEEPEST = 0.999
"""Share of the thickness at which a channel ends at the latest: the nodes below it need some room."""


@dataclass(frozen=True, eq=False)
class Fractions:
    """Fractions and transport factors inside and beside the channel, by segment."""

    pores: dict[int, tuple[Any, Any]]
    ions: dict[int, tuple[Any, Any]]
    active: dict[int, tuple[Any, Any]]
    solids: dict[int, tuple[Any, Any]]


def built_cell(
    p: Any, structure: ElectrodeStructure, mesh: ChannelMesh, inside: float
) -> tuple[Grid, Fractions]:
    """The grid and what fills it, from the inputs that `Cell.parameters` gives."""
    number = pybamm.InputParameter
    pitch, width, taper, end = (number(name("negative")) for name in CHANNEL_NAMES)
    end, thickness = pybamm.minimum(end, DEEPEST), number(NEGATIVE_THICKNESS)
    round_ = structure.channel == HOLE
    half_share = HEXAGON if round_ else 0.5
    lengths = (thickness * (1 - end), thickness * end, p.s.L, number(POSITIVE_THICKNESS))
    grid = Grid(mesh, structure.channel, pitch * half_share, width / 2 / half_share, taper, lengths)
    coating, factor = number(coating_mean("negative")), number(densification("negative"))
    porosity = 1 - factor * (1 - coating)
    share = number(NEGATIVE_ACTIVE) / (1 - number(NEGATIVE_POROSITY))
    positive, separator = number(POSITIVE_POROSITY), pybamm.Parameter("Separator porosity")

    def both(value: Any) -> tuple[Any, Any]:
        return value, value

    active, solids = share * (1 - porosity), (1 - porosity) ** p.n.b_s
    return grid, Fractions(
        pores={
            BELOW: both(porosity),
            BESIDE: (inside, porosity),
            SEPARATOR: both(separator),
            POSITIVE: both(positive),
        },
        ions={
            BELOW: both(porosity**p.n.b_e),
            BESIDE: (inside**p.n.b_e, porosity**p.n.b_e),
            SEPARATOR: both(separator**p.s.b_e),
            POSITIVE: both(positive**p.p.b_e),
        },
        active={
            BELOW: both(active),
            BESIDE: (0.0, active),
            POSITIVE: both(number(POSITIVE_ACTIVE)),
        },
        solids={
            BELOW: both(solids),
            BESIDE: (0.0, solids),
            POSITIVE: both((1 - positive) ** p.p.b_s),
        },
    )
