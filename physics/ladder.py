"""One design at any fidelity: from the P2D without its channels to three dimensions.

The truth about a channelled design is the resolved model. The homogenised P2D is its limit of small
pitch, and many times as fast.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.cell_data import load_parameter_values
from electrograd.physics.channel_phase import ChannelP2D
from electrograd.physics.channels import Channel
from electrograd.physics.charge import CURVES, OBSERVABLES, Charge
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.factors import refuse_factors
from electrograd.physics.fidelity import model_of
from electrograd.physics.p2d import P2D
from electrograd.physics.reference_discharge import delivered_energy, reference_scenario
from electrograd.physics.resolved import Resolved
from electrograd.physics.resolved_mesh import MeshSettings
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.stack import mean_stoichiometries, nominal_capacity, rate_capacity
from electrograd.physics.structure import ElectrodeStructure, Structure
from electrograd.physics.variables import (
    C_RATE,
    CHANNEL_NAMES,
    DESIGN_VARIABLES,
    N_P_RATIO,
    SIDES,
    coating_mean,
    porosity,
)

P2D_ALONE, HOMOGENISED, COLUMNS = "p2d", "p2d-channels", "p2d-columns"
RESOLVED, SOLID = "resolved", "solid"
FIDELITIES: dict[str, str] = {
    P2D_ALONE: "P2D of the coatings, before channels are cut",
    HOMOGENISED: "P2D with channels homogenised: right for small pitch",
    COLUMNS: "P2D on columns of nodes beside the channel: sees the pitch, built once for every geometry",
    RESOLVED: "the channel's unit cell resolved: a slit in a plane, a hole around its axis",
    SOLID: "the unit cell in three dimensions: slits, or square holes in a square array",
}
"""Fidelities from the cheapest to the dearest."""

FREE_ELECTROLYTE = 1.0
"""Porosity inside a channel, as the homogenised P2D takes it."""


def charge_at(
    fidelity: str,
    cell: Cell,
    design: Mapping[str, float],
    scenario: Scenario,
    settings: SolverSettings | None = None,
    mesh: MeshSettings | None = None,
) -> Charge:
    """Charge one design at constant current, at a fidelity of `FIDELITIES`.

    Parameters
    ----------
    cell
        With its structure.
    design
        Values by name, in SI units; all fidelities hold the same areal current.
    scenario
        Any for the P2D; the resolved models know one stage of constant current, isothermal.
    settings
        Mesh of the P2D; tolerances and events of all.
    mesh
        Of the resolved models.

    Raises
    ------
    InputError
        For an unknown fidelity, a design that cannot be built, or a protocol that a fidelity lacks.
    """
    check_name(fidelity, FIDELITIES, "a fidelity must be one of this ladder")
    cell.check(design)
    return Charger(fidelity, cell, scenario, settings or SolverSettings(), mesh=mesh)(design)


class Charger:
    """Charges designs of one cell at one fidelity; a model that serves them all is built once.

    Parameters
    ----------
    fidelity
        Of `FIDELITIES`, or None for the cheapest that is right: `fidelity.model_of`'s.
    cell, scenario, settings, mesh
        As for `charge_at`.
    observables
        What a P2D records; the resolved models record all they have.

    Attributes
    ----------
    fidelity
        The one in use.
    options
        PyBaMM's options of the built model; empty where one is built for each design.

    Raises
    ------
    InputError
        For a protocol that the fidelity lacks, or a cell without what its model needs.
    """

    def __init__(
        self,
        fidelity: str | None,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        observables: tuple[str, ...] = tuple(OBSERVABLES),
        mesh: MeshSettings | None = None,
    ) -> None:
        if fidelity is None:
            columns = model_of(cell, scenario) is ChannelP2D
            plain = HOMOGENISED if cell.structure.channelled else P2D_ALONE
            fidelity = COLUMNS if columns else plain
        self.fidelity = fidelity
        self.options: dict[str, str] = {}
        self._cell, self._scenario, self._settings, self._mesh = cell, scenario, settings, mesh
        if fidelity in (RESOLVED, SOLID):
            _check_constant(fidelity, scenario)
            self._charge: Callable[[Mapping[str, float]], Charge] = self._resolved
            return
        kind = ChannelP2D if fidelity == COLUMNS else P2D
        built = cell
        if fidelity == P2D_ALONE and cell.structure.channelled:
            built = _without_channels(cell, scenario)
        self._model = kind(built, scenario, settings, observables)
        self._charge = self._own if built is cell else self._uncut
        options = dict(getattr(self._model.simulation.model, "options", {}))
        self.options = {name: getattr(o, "__name__", str(o)) for name, o in options.items()}

    def __call__(self, design: Mapping[str, float]) -> Charge:
        """Charge one design; raises `InputError` for one that cannot be built."""
        return self._charge(design)

    def _own(self, design: Mapping[str, float]) -> Charge:
        return self._model.charge(self._cell.parameters(design))

    def _uncut(self, design: Mapping[str, float]) -> Charge:
        """The same areal current, whatever the channels leave of the capacity."""
        cell, whole, scenario = self._cell, self._model.cell, self._scenario
        uncut = {name: value for name, value in design.items() if name not in _CHANNELS}
        known, parameters = cell.parameters(design), whole.parameters(uncut)
        ours = float(rate_capacity(cell, known, scenario.rate_of))
        theirs = float(rate_capacity(whole, parameters, scenario.rate_of))
        rate = float(known.get(C_RATE, scenario.c_rate)) * ours / theirs
        return self._model.charge(parameters, c_rate=rate)

    def _resolved(self, design: Mapping[str, float]) -> Charge:
        cell, scenario = self._cell, self._scenario
        known = {name: float(value) for name, value in cell.parameters(design).items()}
        cell.check_parameters(known)
        nominal = float(nominal_capacity(cell, known))
        model = resolved(
            cell, known, scenario.of(cell), self._settings, self._mesh, solid=self.fidelity == SOLID
        )
        rate = known.get(C_RATE, scenario.c_rate)
        record = model.charge(
            current=rate * float(rate_capacity(cell, known, scenario.rate_of)),
            initial=_initial(cell, known, scenario.start),
            charge_limit=(scenario.charge_limit - scenario.start) * nominal,
            nominal=nominal,
        )
        return dataclasses.replace(record, start=scenario.start * nominal)


class DischargingCharger(Charger):
    """A `Charger` that discharges each design, too, for its specific energy.

    The reference discharge is the P2D's, or that of the columns, whatever the charge's fidelity.
    """

    def __init__(
        self,
        fidelity: str | None,
        cell: Cell,
        scenario: Scenario,
        settings: SolverSettings,
        observables: tuple[str, ...] = CURVES,
    ) -> None:
        super().__init__(fidelity, cell, scenario, settings, observables)
        kind = model_of(cell, scenario)
        self._reference = kind(cell, reference_scenario(scenario), settings, observables)

    def __call__(self, design: Mapping[str, float]) -> Charge:
        """Charge and discharge one design; raises `InputError` for one that cannot be built."""
        charge = super().__call__(design)
        if not charge.end.completed:
            return charge
        parameters = self._cell.parameters(design)
        return dataclasses.replace(charge, delivered=delivered_energy(self._reference, parameters))


_CHANNELS = {name(side) for side in SIDES for name in CHANNEL_NAMES}


def _without_channels(cell: Cell, scenario: Scenario) -> Cell:
    # Shares and stages of the cut electrode would mean others of the whole one.
    _check_constant(P2D_ALONE, scenario)
    if scenario.start:
        raise InputError("the P2D without its channels charges from empty", scenario.start, 0.0)
    structure = Structure(*(_without_channel(electrode) for electrode in cell.structure))
    stated: dict[str, float | str] = {**cell.fixed, **cell.tied}
    kept = {name: value for name, value in stated.items() if name not in _CHANNELS}
    return Cell.load(cell.source, structure, cell.overrides).with_fixed(kept)


def _check_constant(fidelity: str, scenario: Scenario) -> None:
    extra = scenario.later_stages or scenario.cooling is not None or scenario.end_when_depleted
    if scenario.held or extra:
        raise InputError(
            f"at the fidelity {fidelity!r} a charge is at one constant current, isothermal",
            scenario.protocol,
        )


def _without_channel(electrode: ElectrodeStructure) -> ElectrodeStructure:
    return ElectrodeStructure(electrode.side, electrode.layers, electrode.knots)


def _initial(cell: Cell, known: Mapping[str, float], start: float) -> tuple[float, float]:
    nominal = float(nominal_capacity(cell, known))
    negative, positive = mean_stoichiometries(cell, known, start * nominal)
    return float(negative), float(positive)


def resolved(
    cell: Cell,
    known: Mapping[str, float],
    scenario: Scenario,
    settings: SolverSettings,
    mesh: MeshSettings | None = None,
    *,
    solid: bool = False,
) -> Resolved:
    """Build the resolved simulation of one design, given as a complete parameter set."""
    refuse_factors(cell, "models that resolve channels")
    values = load_parameter_values(cell.source, cell.overrides)
    values.update({name: known[name] for name in DESIGN_VARIABLES if name != N_P_RATIO})
    values.update(
        {
            "Ambient temperature [K]": scenario.temperature,
            "Initial temperature [K]": scenario.temperature,
        }
    )
    channels: dict[str, Channel | None] = {}
    profiles: dict[str, Any] = {}
    for electrode in cell.structure:
        side, title = electrode.side, electrode.side.capitalize()
        share = known[f"{title} electrode active material volume fraction"] / (1 - known[porosity(side)])
        matrix = _profile(electrode, known)
        mean = float(matrix((np.arange(240) + 0.5) / 240).mean())
        values[porosity(side)] = mean
        values[f"{title} electrode active material volume fraction"] = share * (1 - mean)
        if electrode.layers or electrode.knots:
            profiles[side] = matrix
        channels[side] = _channel(electrode, known)
    return Resolved(
        values,
        channels["negative"],
        channels["positive"],
        upper_voltage=float(scenario.upper_voltage or cell.upper_voltage),
        profiles=profiles,
        mesh=mesh,
        settings=settings,
        solid=solid,
        channel_porosity=FREE_ELECTROLYTE,
    )


def _profile(electrode: ElectrodeStructure, known: Mapping[str, float]) -> Any:
    """Porosity of the matrix as a function of the depth share."""

    def matrix(depth: np.ndarray) -> np.ndarray:
        if electrode.plain:
            return np.full_like(depth, known[coating_mean(electrode.side)])
        return np.asarray(electrode.matrix_porosity(known, depth, 1e-6, np.minimum))

    return matrix


def _channel(electrode: ElectrodeStructure, known: Mapping[str, float]) -> Channel | None:
    if not electrode.channel:
        return None
    pitch, width, taper, depth = (known[name(electrode.side)] for name in CHANNEL_NAMES)
    if width == 0:
        return None
    thickness = known[f"{electrode.side.capitalize()} electrode thickness [m]"]
    return Channel(
        electrode.channel,
        pitch=pitch,
        width=width * pitch,
        depth=depth * thickness,
        bottom_width=width * taper * pitch,
    )
