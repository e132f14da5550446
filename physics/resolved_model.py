"""The Doyle–Fuller–Newman model on a unit cell with channels, and the fields that fill the cells.

Kinetics and particles are PyBaMM's (`BasicDFNUnstructured`); transport is written with fields given by
control volume, so that closure holds in each:

    ε = c ε_ch + (1 - c) ε_m,   ε_active = (1 - c) s (1 - ε_m),
    B = c ε_ch^b + (1 - c) ε_m^b (electrolyte),   B_s = (1 - c) (1 - ε_m)^b_s (solids),

with c the channel's share of the volume, s the active share of the solids, and the exponents as PyBaMM's
full DFN uses them. The positive collector is one potential V, found from ∫ a j dV = I; the negative one
is at 0 V.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from electrograd.physics.charge import (
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
    VOLTAGE,
)
from electrograd.physics.errors import InputError
from electrograd.physics.model import NO_SHARE, saturated
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.resolved_cell import DOMAINS, Mapped, UnitCell, field

SEPARATOR_FACE = "Mean negative electrode surface potential difference at separator face [V]"
SOLID_LITHIUM = "Lithium in solids [mol.m-2]"
SALT = "Salt in electrolyte [mol.m-2]"
NEGATIVE_REACTION = "Negative interfacial current [A.m-2]"
POSITIVE_REACTION = "Positive interfacial current [A.m-2]"

RESOLVED_OBSERVABLES: dict[str, str] = {
    SEPARATOR_FACE: "negative electrode against lithium, mean over the separator's face alone",
    SOLID_LITHIUM: "lithium in both active materials per area",
    SALT: "salt in all pores and channels per area",
    NEGATIVE_REACTION: "∫ a j dV over the negative electrode per area",
    POSITIVE_REACTION: "∫ a j dV over the positive electrode per area",
}
"""What a resolved simulation records beside `OBSERVABLES`."""

Profile = Callable[[np.ndarray], np.ndarray]
"""Matrix porosity of depth share (0 separator, 1 collector)."""

POROSITY, ACTIVE, TRANSPORT, SOLIDS = "porosity", "active", "transport", "solids transport"
DEPTH = "distance from the separator over the thickness"


@dataclass(frozen=True)
class Fields:
    """Volume fractions and transport factors of every cell of a `UnitCell`, in its order.

    Attributes
    ----------
    porosity, active
        Volume fractions of electrolyte and of active material.
    electrolyte, solids
        Effective over bulk transport, in the electrolyte and in the solids.
    """

    porosity: np.ndarray
    active: np.ndarray
    electrolyte: np.ndarray
    solids: np.ndarray


def fill(
    values: Any,
    cell: UnitCell,
    profiles: Mapping[str, Profile],
    channel_porosity: float,
    active_floor: float,
) -> Fields:
    """Fill the cells of a mesh by the closure.

    Parameters
    ----------
    values
        PyBaMM parameter values; porosities and active fractions of both matrices are floats.
    cell
        The mesh.
    profiles
        Matrix porosity by electrode ("negative", "positive") where it is graded; the active share of
        the solids is that of ``values``.
    channel_porosity
        Porosity inside a channel.
    active_floor
        Least active fraction of a cell that is partly matrix; also the least solids' transport factor.
    """
    separator_exponent = float(values["Separator Bruggeman coefficient (electrolyte)"])
    porosity = np.full(len(cell.content), float(values["Separator porosity"]))
    active = np.zeros_like(porosity)
    solids = np.zeros_like(porosity)
    transport = porosity**separator_exponent
    for number, side in ((0, "negative"), (2, "positive")):
        here = cell.electrode == number
        name = f"{side.capitalize()} electrode"
        nominal = float(values[f"{name} porosity"])
        share = float(values[f"{name} active material volume fraction"]) / (1 - nominal)
        depth, c = cell.depth_share[here], cell.content[here]
        matrix = profiles[side](depth) if side in profiles else np.full(depth.shape, nominal)
        if not (np.all(matrix > 0) and np.all(matrix < 1)):
            raise InputError(
                f"{side} matrix porosity must lie within (0, 1)", matrix.tolist(), "0.2 to 0.6"
            )
        b = float(values[f"{name} Bruggeman coefficient (electrolyte)"])
        b_solids = float(values[f"{name} Bruggeman coefficient (electrode)"])
        porosity[here] = c * channel_porosity + (1 - c) * matrix
        active[here] = np.maximum((1 - c) * share * (1 - matrix), active_floor)
        transport[here] = c * channel_porosity**b + (1 - c) * matrix**b
        solids[here] = np.maximum((1 - c) * (1 - matrix) ** b_solids, active_floor)
    return Fields(porosity, active, transport, solids)


class ResolvedModel(pybamm.lithium_ion.BasicDFNUnstructured):
    """PyBaMM's unstructured DFN with transport by cell, equipotential collectors and free channels.

    Parameters
    ----------
    dimensions
        2 or 3.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__({"dimensionality": dimensions - 1}, "DFN on a unit cell with channels")
        base: Any = super()
        self._axes = ("x", "z") if dimensions == 2 else ("x", "y", "z")
        p, known = self.param, base.variables
        c_e, phi_e = known["Electrolyte concentration [mol.m-3]"], known["Electrolyte potential [V]"]
        phi_n, phi_p = (
            known["Negative electrode potential [V]"],
            known["Positive electrode potential [V]"],
        )
        reaction = known["Sum of volumetric interfacial current densities [A.m-3]"]
        a_j_n, _, a_j_p = reaction.orphans
        surface_n = known["Negative electrode surface stoichiometry"]
        surface_p = known["Positive electrode surface stoichiometry"]
        temperature, scale = p.T_init, p.L_x**2
        grad, div = pybamm.grad, pybamm.div

        transport = field(TRANSPORT, *DOMAINS)
        kappa = p.kappa_e(c_e, temperature) * transport
        kappa_d = kappa * p.chiRT_over_Fc(c_e, temperature)
        diffusivity = transport * p.D_e(c_e, temperature)
        transference = p.t_plus(c_e, temperature)
        self.algebraic[phi_e] = scale * (div(kappa_d * grad(c_e)) - div(kappa * grad(phi_e)) - reaction)
        self.rhs[c_e] = (1 / field(POROSITY, *DOMAINS)) * (
            div(diffusivity * grad(c_e))
            - div((transference * kappa_d / p.F) * grad(c_e))
            + div((transference * kappa / p.F) * grad(phi_e))
            + reaction / p.F
        )
        sigma_n = p.n.sigma(surface_n, temperature) * field(SOLIDS, DOMAINS[0])
        sigma_p = p.p.sigma(surface_p, temperature) * field(SOLIDS, DOMAINS[2])
        self.algebraic[phi_n] = scale * (div(-sigma_n * grad(phi_n)) + a_j_n)
        self.algebraic[phi_p] = scale * (div(-sigma_p * grad(phi_p)) + a_j_p)
        voltage = pybamm.Variable(VOLTAGE)
        passed_n, passed_p = self._integral(a_j_n, 0), self._integral(a_j_p, 2)
        self.algebraic[voltage] = passed_p + p.current_density_with_time
        self.initial_conditions[voltage] = p.ocv_init
        # Faces without a condition carry no flux; so every wall and symmetry plane is left out.
        self.boundary_conditions = {
            **{k: v for k, v in base.boundary_conditions.items() if "particle" in k.domain[0]},
            phi_n: {"left": (pybamm.Scalar(0), "Dirichlet")},
            phi_p: {"right": (voltage, "Dirichlet")},
        }
        negative_face = Mapped(phi_n, "negative free, solids") - Mapped(
            phi_e, "negative free, electrolyte"
        )
        self.variables = {
            VOLTAGE: voltage,
            **self._saturation(0, surface_n, "negative"),
            **self._saturation(2, surface_p, "positive"),
            NEGATIVE_POTENTIAL: pybamm.min(negative_face),
            SEPARATOR_FACE: _at_face("negative", phi_n, phi_e),
            NEGATIVE_AT_COLLECTOR: -Mapped(phi_e.orphans[0], "negative collector"),
            POSITIVE_POTENTIAL: _at_face("positive", phi_p, phi_e),
            POSITIVE_AT_COLLECTOR: voltage - Mapped(phi_e.orphans[2], "positive collector"),
            NEGATIVE_SURFACE: pybamm.max(Mapped(surface_n, "negative matrix")),
            POSITIVE_SURFACE: pybamm.min(Mapped(surface_p, "positive matrix")),
            ELECTROLYTE: pybamm.min(c_e),
            SOLID_LITHIUM: known["Total solid lithium [mol]"],
            SALT: sum(
                self._integral(part * field(POROSITY, DOMAINS[number]), number)
                for number, part in enumerate(c_e.orphans)
            ),
            NEGATIVE_REACTION: passed_n,
            POSITIVE_REACTION: passed_p,
            **self._means_and_losses(known, voltage),
        }
        known = self.variables
        self.events = [
            pybamm.Event("Maximum voltage [V]", p.voltage_high_cut - voltage),
        ]

    def _saturation(self, number: int, surface: Any, side: str) -> dict[str, Any]:
        """Share of an electrode's active material with saturated surfaces, and their mean depth."""
        domain, (share, at) = DOMAINS[number], SATURATION[side]
        active = field(ACTIVE, domain)
        full = active * saturated(surface)
        found = {share: self._integral(full, number) / self._integral(active, number)}
        depth = self._integral(full * field(DEPTH, domain), number) / self._integral(active, number)
        return {**found, at: depth / pybamm.maximum(found[share], NO_SHARE)}

    def _integral(self, symbol: Any, number: int) -> Any:
        """Volume integral over one domain, per area of electrode."""
        suffix = ("_n", "_s", "_p")[number]
        axes = [
            pybamm.SpatialVariable(axis + suffix, DOMAINS[number], coord_sys="cartesian")
            for axis in self._axes
        ]
        return pybamm.Integral(symbol, axes)

    def _means_and_losses(self, known: Any, voltage: Any) -> dict[str, Any]:
        """Mean stoichiometries, and the voltage's parts as PyBaMM splits them.

        Means are over active material. The electrolyte's concentration part is exact where the
        thermodynamic factor and the transference number are constant; its ohmic part takes the rest.
        """
        p, temperature = self.param, self.param.T_init
        found: dict[str, Any] = {}
        parts = []
        for number, side, domain, name in (
            (0, "negative", p.n, NEGATIVE_MEAN),
            (2, "positive", p.p, POSITIVE_MEAN),
        ):
            title, active = side.capitalize(), field(ACTIVE, DOMAINS[number])
            volume = self._integral(active, number)

            def mean(
                symbol: Any, active: Any = active, number: int = number, volume: Any = volume
            ) -> Any:
                return self._integral(symbol * active, number) / volume

            lithium = known[f"{title} solid lithium [mol]"]
            found[name] = lithium / volume / domain.prim.c_max
            surface = known[f"{title} electrode surface stoichiometry"]
            c_e = known[f"{title} electrolyte concentration [mol.m-3]"]
            diffusion = p.chiRT_over_Fc(c_e, temperature) * c_e * pybamm.log(c_e / p.c_e_init_av)
            bulk = domain.prim.U(found[name], temperature)
            phi_e = mean(known[f"{title} electrolyte potential [V]"])
            collector = voltage if side == "positive" else pybamm.Scalar(0)
            parts.append(
                [
                    bulk,
                    mean(domain.prim.U(surface, temperature)) - bulk,
                    mean(known[f"{title} electrode overpotential [V]"]),
                    mean(diffusion),
                    phi_e - mean(diffusion),
                    collector - mean(known[f"{title} electrode potential [V]"]),
                ]
            )
        for name, negative, positive in zip(LOSSES, *parts, strict=True):
            found[name] = positive - negative
        return found


def _at_face(side: str, phi: Any, phi_e: Any) -> Any:
    """Mean of φ_s - φ_e over the separator's face of an electrode."""
    return Mapped(phi, f"{side} face, solids") - Mapped(phi_e, f"{side} face, electrolyte")


def maps(cell: UnitCell, filled: Fields) -> dict[str, Any]:
    """Sparse maps from a domain's cells to faces, collectors and the cells that are matrix."""
    found: dict[str, Any] = {}
    for number, side in ((0, "negative"), (2, "positive")):
        part, mesh = cell.slices[number], cell.meshes[number]
        faces, matrix, free = cell.free_faces(number)
        count, rows = len(faces), np.arange(len(faces))
        centre = cell.whole.face_centroids[faces]
        to_matrix = np.linalg.norm(centre - cell.whole.cell_centroids[matrix], axis=1)
        to_free = np.linalg.norm(centre - cell.whole.cell_centroids[free], axis=1)
        # Two half cells in series: the current through the face is the same on both sides.
        pull = np.r_[filled.electrolyte[matrix] / to_matrix, filled.electrolyte[free] / to_free]
        pull /= np.tile(pull[:count] + pull[count:], 2)
        both = np.tile(rows, 2), np.r_[matrix, free]
        electrolyte = csr_matrix((pull, both), shape=(count, cell.whole.npts))
        # No current leaves the solids here, so the nearest cell's potential is the face's.
        size = part.stop - part.start
        solids = csr_matrix((np.ones(count), (rows, matrix - part.start)), shape=(count, size))
        areas = (cell.electrode[free] == 1) * cell.whole.face_areas[faces]
        mean = csr_matrix(areas / areas.sum())
        kept = np.nonzero(cell.content[part] < 0.5)[0]
        (ends,) = mesh.boundary_faces.values()
        collector = np.bincount(mesh.face_owner[ends], mesh.face_areas[ends], size)
        found |= {
            f"{side} free, solids": solids,
            f"{side} free, electrolyte": electrolyte,
            f"{side} face, solids": mean @ solids,
            f"{side} face, electrolyte": mean @ electrolyte,
            f"{side} matrix": csr_matrix(
                (np.ones(len(kept)), (np.arange(len(kept)), kept)), shape=(len(kept), size)
            ),
            f"{side} collector": csr_matrix(collector / collector.sum()),
        }
    return found
