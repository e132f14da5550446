"""Which model simulates the designs of a cell in sweeps and verification: the cheapest that is right."""

from electrograd.physics.cell import Cell
from electrograd.physics.channel_phase import ChannelP2D, on_columns
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario


def model_of(cell: Cell, scenario: Scenario) -> type[P2D]:
    """Return `ChannelP2D`, which sees the pitch, for channels that it knows; else `P2D`.

    The homogenised `P2D` takes what is left: channels in a graded or in the positive electrode, or
    together with heat. It is right for small pitch and too hopeful for large.
    """
    return ChannelP2D if on_columns(cell.structure, scenario) else P2D
