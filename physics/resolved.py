"""Channels resolved: simulations on a unit cell in two or three dimensions, one build per design."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from electrograd.physics.channels import CHANNEL_POROSITY
from electrograd.physics.charge import CURRENT_DENSITY, OBSERVABLES, TEMPERATURE, TIME, Charge, End
from electrograd.physics.errors import InputError
from electrograd.physics.model import INITIAL
from electrograd.physics.plausible import JUMP, Materials
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.resolved_cell import DOMAINS, field, spatial_methods, submesh_types
from electrograd.physics.resolved_mesh import AnyChannel, MeshSettings, unit_cell
from electrograd.physics.resolved_model import (
    ACTIVE,
    DEPTH,
    POROSITY,
    RESOLVED_OBSERVABLES,
    SOLIDS,
    TRANSPORT,
    Profile,
    ResolvedModel,
    fill,
    maps,
)
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import SIDES

_TIGHTER = 0.1
"""Tolerances over the settings'."""

_SOLVER = {"nonlinear_convergence_coefficient": 0.01, "max_order_bdf": 3}
"""IDA extrapolates potentials with its steps' order; at the fifth, and PyBaMM's loose Newton (0.33),
errors in them grow unchecked until ∫ a j dV misses the current by 1e-4. So it misses it by some 2e-7."""

_ENDS = {
    "event: Maximum voltage [V]": End.VOLTAGE_CUT_OFF,
    "final time": End.CHARGE_TARGET,
}
_SOLVED = tuple(
    name
    for name in (*OBSERVABLES, *RESOLVED_OBSERVABLES)
    if name not in (CURRENT_DENSITY, TEMPERATURE, TIME)
)


class Resolved:
    """A built resolved simulation of one design; solved at any current and start.

    Parameters
    ----------
    values
        `pybamm.ParameterValues` with a complete P2D parameter set; matrix porosities, active fractions
        and Bruggeman coefficients are floats. Left unchanged.
    negative, positive
        Channels of the electrodes, or None.
    upper_voltage
        Cut-off [V].
    profiles
        Graded matrix porosity by electrode, of depth share.
    mesh, settings
        Control volumes; tolerances.
    solid
        Three dimensions in place of two, see `unit_cell`.
    channel_porosity, active_floor
        See `fill`.

    Raises
    ------
    InputError
        If a channel does not fit, or fractions leave (0, 1).
    """

    def __init__(
        self,
        values: Any,
        negative: AnyChannel | None = None,
        positive: AnyChannel | None = None,
        *,
        upper_voltage: float = 4.2,
        profiles: Mapping[str, Profile] | None = None,
        mesh: MeshSettings | None = None,
        settings: SolverSettings | None = None,
        solid: bool = False,
        channel_porosity: float = CHANNEL_POROSITY,
        active_floor: float = 0.0,
    ) -> None:
        self.mesh = mesh or MeshSettings()
        settings = settings or SolverSettings()
        if not 0 < channel_porosity <= 1:
            raise InputError(
                "a channel's porosity must lie in (0, 1]", channel_porosity, CHANNEL_POROSITY
            )
        left, middle, right = (float(values[f"{d.capitalize()} thickness [m]"]) for d in DOMAINS)
        self.cell = unit_cell((left, middle, right), negative, positive, self.mesh, solid)
        self.fields = fill(values, self.cell, profiles or {}, channel_porosity, active_floor)
        model = ResolvedModel(self.cell.whole.dimension)
        given = {
            POROSITY: self.fields.porosity,
            ACTIVE: self.fields.active,
            TRANSPORT: self.fields.electrolyte,
            SOLIDS: self.fields.solids,
            DEPTH: np.nan_to_num(self.cell.depth_share),
        }
        self._temperature = float(values["Initial temperature [K]"])
        self._materials = Materials.of(values, self._temperature)
        self._limits = (float(values["Lower voltage cut-off [V]"]), upper_voltage)
        particles = ("negative particle", "positive particle")
        points = dict.fromkeys(("x_n", "x_s", "x_p", "y", "z"), 1)
        self._simulation = pybamm.Simulation(
            model,
            parameter_values=self._parameter_values(values, upper_voltage),
            submesh_types={
                **model.default_submesh_types,
                **dict.fromkeys(particles, _particle(self.mesh)),
                **submesh_types(self.cell),
            },
            spatial_methods={
                **model.default_spatial_methods,
                **spatial_methods(self.cell, given, maps(self.cell, self.fields)),
            },
            var_pts={**points, "r_n": self.mesh.radial, "r_p": self.mesh.radial},
            solver=pybamm.IDAKLUSolver(
                rtol=settings.rtol * _TIGHTER,
                atol=settings.atol * _TIGHTER,
                output_variables=list(_SOLVED),
                options=_SOLVER,
                on_failure="ignore",
            ),
        )

    def _parameter_values(self, values: Any, upper_voltage: float) -> Any:
        values = values.copy()
        values.update(
            {
                "Electrode height [m]": 1.0,
                "Electrode width [m]": 1.0,
                "Number of electrodes connected in parallel to make a cell": 1.0,
                "Current function [A]": -pybamm.InputParameter(CURRENT_DENSITY),
                "Upper voltage cut-off [V]": upper_voltage,
            }
        )
        for domain, side in ((DOMAINS[0], "negative"), (DOMAINS[2], "positive")):
            name = f"{side.capitalize()} electrode"
            values[f"{name} porosity"] = _by_cell(POROSITY, domain)
            values[f"{name} active material volume fraction"] = _by_cell(ACTIVE, domain)
            maximum = values[f"Maximum concentration in {side} electrode [mol.m-3]"]
            values[f"Initial concentration in {side} electrode [mol.m-3]"] = (
                pybamm.InputParameter(INITIAL[side]) * maximum
            )
        return values

    def charge(
        self,
        current: float,
        initial: tuple[float, float],
        charge_limit: float,
        nominal: float,
    ) -> Charge:
        """Charge at constant current up to the first end.

        Parameters
        ----------
        current
            Areal current density, of the whole unit cell's area [A.m-2].
        initial
            Stoichiometries of the negative and the positive electrode at the start.
        charge_limit
            Charge passed at which the charge ends at the latest [A.h.m-2].
        nominal
            Nominal areal capacity [A.h.m-2], for the record alone.
        """
        inputs = {
            CURRENT_DENSITY: current,
            INITIAL["negative"]: initial[0],
            INITIAL["positive"]: initial[1],
        }
        names = (*OBSERVABLES, *RESOLVED_OBSERVABLES)
        start = dict(zip(SIDES, initial, strict=True))
        try:
            solution = self._simulation.solve([0.0, 3600 * charge_limit / current], inputs=inputs)
        except pybamm.SolverError as error:
            over = "Maximum voltage" in str(error) and "non-positive at initial" in str(error)
            if not over:
                nothing = dict.fromkeys(names, np.empty(0))
                return Charge(End.SOLVER_FAILURE, str(error), nominal, np.empty(0), nothing)
            # Of a voltage that is passed at the first instant only the instant is known.
            near = self._materials.rest(start) > self._limits[1] - JUMP
            end, unknown = End.VOLTAGE_CUT_OFF if near else End.IMPOSSIBLE, np.full(1, np.nan)
            return Charge(end, str(error), nominal, np.zeros(1), dict.fromkeys(names, unknown))
        time = np.asarray(solution.t)
        record = Charge(
            end=_ENDS.get(solution.termination, End.SOLVER_FAILURE),
            message=solution.termination,
            nominal=nominal,
            charge=time / 3600 * current,
            observables={
                **{name: np.asarray(solution[name].entries) for name in _SOLVED},
                CURRENT_DENSITY: np.full(time.shape, current),
                TEMPERATURE: np.full(time.shape, self._temperature),
                TIME: time,
            },
        )
        return self._materials.judged(record, start, True, self._limits)


def _particle(mesh: MeshSettings) -> Any:
    """Submesh of a particle: uniform, or with points crowded towards the surface."""
    if mesh.radial_stretch == 0:
        return pybamm.Uniform1DSubMesh
    crowded = {"side": "right", "stretch": mesh.radial_stretch}
    return pybamm.MeshGenerator(pybamm.Exponential1DSubMesh, crowded)


def _by_cell(name: str, domain: str) -> Callable[..., Any]:
    """A parameter function that returns a field given cell by cell."""

    def value(x: Any, y: Any = None, z: Any = None) -> Any:
        return field(name, domain)

    return value
