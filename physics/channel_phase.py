"""A P2D that sees the pitch: channels on a few columns of nodes, built once for every geometry.

Between the homogenised P2D, which is as fast, and the resolved model, which is its limit for many nodes.
"""

from collections.abc import Mapping
from typing import Any

from electrograd.physics.cell import Cell, Scalar
from electrograd.physics.channel_grid import FINER, ChannelMesh
from electrograd.physics.channel_model import ChannelModel
from electrograd.physics.charge import OBSERVABLES, Charge
from electrograd.physics.errors import InputError
from electrograd.physics.factors import refuse_factors
from electrograd.physics.model import parameter_values
from electrograd.physics.p2d import P2D
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure
from electrograd.physics.variables import channel_taper, channel_width


def on_columns(structure: Structure, scenario: Scenario) -> bool:
    """Whether `ChannelP2D` can simulate designs of the structure in the scenario."""
    negative, positive = structure.negative, structure.positive
    graded = negative.layers or negative.knots
    return bool(negative.channel) and not graded and positive.plain and scenario.cooling is None


class ChannelP2D(P2D):
    """A built simulation of a cell with channels in its negative electrode.

    All of the channels' geometry is an input, pitch included; every protocol of `P2D` works but heat.
    The plating margin is taken where the matrix meets free electrolyte: separator, walls and bottom.
    Channels deeper than 0.999 of the thickness end there.

    Parameters
    ----------
    cell, scenario, settings, observables
        As for `P2D`; of ``settings.points`` only whether they are more than usual is used: `FINER`.
    mesh
        Elements.
    channel_porosity
        Porosity inside the channels; 1 is what the homogenised P2D takes.

    Raises
    ------
    InputError
        If the negative electrode has no channels or a graded matrix, the positive one is not plain, or
        the scenario has lumped heat, or the cell's parameter set lacks what the model needs.
    """

    def __init__(
        self,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        observables: tuple[str, ...] = tuple(OBSERVABLES),
        mesh: ChannelMesh | None = None,
        channel_porosity: float = 1.0,
    ) -> None:
        if not on_columns(cell.structure, scenario):
            rule = (
                "channels on columns are in the negative electrode alone, its matrix uniform, as the "
                "positive electrode is, and isothermal"
            )
            raise InputError(
                rule, f"{cell.structure}, cooling {scenario.cooling}", "the homogenised P2D"
            )
        if not 0 < channel_porosity <= 1:
            raise InputError("a channel's porosity must lie in (0, 1]", channel_porosity, 1.0)
        finer = settings.points > SolverSettings.points
        self._elements = mesh or (FINER if finer else ChannelMesh())
        self._channel_porosity = channel_porosity
        super().__init__(cell, scenario, settings, observables)

    def _built(self, options: dict[str, str]) -> Any:
        refuse_factors(self.cell, "channels on columns of nodes")
        model = ChannelModel(
            self.cell.structure.negative, self._elements, self.settings, self._channel_porosity
        )
        nodes = {
            name: pybamm.SpatialVariable(f"{name} node", domain=[name], coord_sys="cartesian")
            for name in model.sizes
        }
        ends = {"min": pybamm.Scalar(0), "max": pybamm.Scalar(1)}
        return pybamm.Simulation(
            model,
            geometry={name: {node: ends} for name, node in nodes.items()},
            parameter_values=parameter_values(self.cell, self.scenario),
            solver=self._solver(),
            submesh_types=dict.fromkeys(nodes, pybamm.Uniform1DSubMesh),
            var_pts={node: model.sizes[name] for name, node in nodes.items()},
            spatial_methods={name: pybamm.FiniteVolume() for name in nodes},
        )

    def charge(self, parameters: Mapping[str, Scalar], c_rate: float | None = None) -> Charge:
        """Charge as `P2D.charge` does.

        Raises
        ------
        InputError
            If a channel has no width somewhere: the columns inside it would have no volume.
        """
        _check(parameters)
        return super().charge(parameters, c_rate)

    def discharge(self, parameters: Mapping[str, Scalar], c_rate: float) -> Charge:
        """Discharge as `P2D.discharge` does; raises as `charge`."""
        _check(parameters)
        return super().discharge(parameters, c_rate)


def _check(parameters: Mapping[str, Scalar]) -> None:
    for name in (channel_width("negative"), channel_taper("negative")):
        if not float(parameters[name]) > 0:
            raise InputError(
                f"a channel on columns must have a {name!r} above 0", parameters[name], 1e-3
            )
