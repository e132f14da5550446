"""The Doyle–Fuller–Newman model on the few nodes of a `Grid`: one build for every channel.

With u of a node, V its volume, G the slopes at Gauss points and g their weights, a balance
∂(εu)/∂t = -∇·N + s is, in weak form, V du/dt = Gᵀ (g N) + V s, and nothing flows through the outside.
Fluxes, kinetics and particles are PyBaMM's DFN's; its functions of concentration are looked up at the
Gauss points. The positive collector is one potential, the negative one is at 0 V.
"""

from typing import Any

import numpy as np

from electrograd.physics.channel_electrode import Electrode, ElectrodeModel
from electrograd.physics.channel_fill import built_cell
from electrograd.physics.channel_grid import BELOW, BESIDE, POSITIVE, ChannelMesh, matrix, rows, vector
from electrograd.physics.charge import (
    CURRENT_DENSITY,
    ELECTROLYTE,
    LOSSES,
    NEGATIVE_AT_COLLECTOR,
    NEGATIVE_MEAN,
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    POSITIVE_AT_COLLECTOR,
    POSITIVE_MEAN,
    POSITIVE_POTENTIAL,
    POSITIVE_SURFACE,
    SATURATION,
    TEMPERATURE,
    TIME,
    VOLTAGE,
)
from electrograd.physics.model import (
    APPLIED,
    NO_SHARE,
    control_of_current,
    limit_events,
    saturated,
)
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.resolved_model import SALT, SEPARATOR_FACE, SOLID_LITHIUM
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.structure import ElectrodeStructure

_SALT_SCALE = 1000.0
"""Electrolyte concentration of order one [mol.m-3]."""


class ChannelModel(ElectrodeModel):
    """The model, with observables, events and control of the current as `build_model`'s.

    Parameters
    ----------
    structure
        Of the negative electrode.
    mesh
        Elements.
    settings
        Of the events.
    channel_porosity
        Porosity inside the channels.
    """

    def __init__(
        self,
        structure: ElectrodeStructure,
        mesh: ChannelMesh,
        settings: SolverSettings,
        channel_porosity: float,
    ) -> None:
        super().__init__()
        self._mesh = mesh
        self._grid, self._fractions = built_cell(self._p, structure, mesh, channel_porosity)
        grid, p = self._grid, self._p
        salt, c_hat = self._unknown("Electrolyte concentration", grid.size)
        ionic, phi_e = self._unknown("Electrolyte potential", grid.size)
        voltage = pybamm.Variable(VOLTAGE)
        current = pybamm.Variable("Total current density [A.m-2]", scale=30.0)
        passed = pybamm.Variable("Discharge capacity [A.h]")
        c_e = _SALT_SCALE * c_hat
        negative = self._electrode("negative", c_e, phi_e, voltage)
        positive = self._electrode("positive", c_e, phi_e, voltage)
        source = sum(matrix(rows(e.nodes, grid.size).T) @ e.reaction for e in (negative, positive))
        salt_flux, ionic_flux = self._fluxes(c_e, phi_e)
        back = matrix(grid.slope.T)
        pores = grid.volumes(self._fractions.pores)
        self.rhs[salt] = (back @ salt_flux + source / p.F) / pores / _SALT_SCALE
        self.algebraic[ionic] = back @ ionic_flux + source
        self.algebraic[voltage] = positive.total(positive.reaction) + current
        self.rhs[passed] = current * pybamm.Parameter("Electrode area [m2]") / 3600
        ones = vector(np.ones(grid.size))
        self.initial_conditions |= {
            salt: p.c_e_init / _SALT_SCALE * ones,
            ionic: -negative.start * ones,
            voltage: positive.start - negative.start,
            current: -pybamm.InputParameter(APPLIED),
            passed: pybamm.Scalar(0),
        }
        self.variables = {
            VOLTAGE: voltage,
            CURRENT_DENSITY: -current,
            "Total current density [A.m-2]": current,
            "Discharge capacity [A.h]": passed,
            ELECTROLYTE: pybamm.min(c_e),
            SALT: matrix(np.ones((1, grid.size))) @ (pores * c_e),
            SOLID_LITHIUM: sum(
                e.total(e.volume * e.mean) * domain.prim.c_max
                for e, domain in ((negative, p.n), (positive, p.p))
            ),
            TEMPERATURE: self._temperature,
            TIME: pybamm.t,
            **self._potentials(negative, positive),
            **self._losses(negative, positive, voltage),
        }
        known = self.variables
        self.algebraic[current] = control_of_current(known)
        self.events = limit_events(known, settings)

    def _fluxes(self, c_e: Any, phi_e: Any) -> tuple[Any, Any]:
        """Salt [mol.m-2.s-1] and current [A.m-2] through the points, times their weights."""
        grid, p, temperature = self._grid, self._p, self._temperature
        slope, here = matrix(grid.slope), matrix(grid.value) @ c_e
        weight = grid.conductances(self._fractions.ions)
        falling = p.chiRT_over_Fc(here, temperature) * (slope @ c_e) - slope @ phi_e
        current = weight * p.kappa_e(here, temperature) * falling
        diffusion = -weight * p.D_e(here, temperature) * (slope @ c_e)
        return diffusion + p.t_plus(here, temperature) * current / p.F, current

    def _potentials(self, negative: Electrode, positive: Electrode) -> dict[str, Any]:
        """Electrodes against lithium at faces and collectors, and extremes of surfaces and means."""
        grid = self._grid
        level, column = np.divmod(negative.nodes, grid.columns)
        floor = (level == grid.bottom) & (column < grid.wall)
        wall = (column == grid.wall) & (level >= grid.bottom)
        face = level == grid.mouth
        facing = positive.nodes // grid.columns
        return {
            NEGATIVE_POTENTIAL: pybamm.min(_against(negative, floor | wall | face)),
            SEPARATOR_FACE: self._face_mean(negative, face),
            NEGATIVE_AT_COLLECTOR: self._face_mean(negative, level == 0),
            POSITIVE_POTENTIAL: self._face_mean(positive, facing == facing.min()),
            POSITIVE_AT_COLLECTOR: self._face_mean(positive, facing == facing.max()),
            NEGATIVE_SURFACE: pybamm.max(negative.surface),
            "Minimum negative particle surface stoichiometry": pybamm.min(negative.surface),
            POSITIVE_SURFACE: pybamm.min(positive.surface),
            "Maximum positive particle surface stoichiometry": pybamm.max(positive.surface),
            NEGATIVE_MEAN: negative.average(negative.mean),
            POSITIVE_MEAN: positive.average(positive.mean),
            **_saturation(negative, grid.depth(negative.nodes, (BELOW, BESIDE)), "negative"),
            **_saturation(positive, 1 - grid.depth(positive.nodes, (POSITIVE,)), "positive"),
        }

    def _face_mean(self, electrode: Electrode, chosen: np.ndarray) -> Any:
        """Mean against lithium over a face, weighted by the active material behind it."""
        weight = electrode.at(chosen, electrode.volume)
        ones = matrix(np.ones((1, int(chosen.sum()))))
        return (ones @ (weight * _against(electrode, chosen))) / (ones @ weight)

    def _losses(self, negative: Electrode, positive: Electrode, voltage: Any) -> dict[str, Any]:
        """The voltage's parts, as PyBaMM splits them; see `ResolvedModel`."""
        p, temperature = self._p, self._temperature
        parts = []
        for electrode, domain, collector in (
            (negative, p.n, pybamm.Scalar(0)),
            (positive, p.p, voltage),
        ):
            c_e = electrode.c_e
            salt = p.chiRT_over_Fc(c_e, temperature) * c_e * pybamm.log(c_e / p.c_e_init_av)
            bulk = domain.prim.U(electrode.average(electrode.mean), temperature)
            diffusion = electrode.average(salt)
            parts.append(
                (
                    bulk,
                    electrode.average(electrode.open_circuit) - bulk,
                    electrode.average(electrode.overpotential),
                    diffusion,
                    electrode.average(electrode.phi_e) - diffusion,
                    collector - electrode.average(electrode.phi_s),
                )
            )
        return {name: plus - minus for name, minus, plus in zip(LOSSES, *parts, strict=True)}


def _saturation(electrode: Electrode, depth: Any, side: str) -> dict[str, Any]:
    """Share of an electrode's active material with saturated surfaces, and their mean depth."""
    share, at = SATURATION[side]
    full = saturated(electrode.surface)
    found = electrode.average(full)
    return {share: found, at: electrode.average(full * depth) / pybamm.maximum(found, NO_SHARE)}


def _against(electrode: Electrode, chosen: np.ndarray) -> Any:
    """φ_s - φ_e at some nodes."""
    return electrode.at(chosen, electrode.phi_s - electrode.phi_e)
