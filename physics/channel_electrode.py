"""One electrode of a channel's unit cell: its particles, its kinetics and the current in its solids."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from electrograd.physics.channel_fill import Fractions
from electrograd.physics.channel_grid import (
    BELOW,
    BESIDE,
    POSITIVE,
    ChannelMesh,
    Grid,
    matrix,
    rows,
    vector,
)
from electrograd.physics.model import INITIAL
from electrograd.physics.pybamm_import import pybamm
from electrograd.physics.spectral import even


class Bare(pybamm.UnaryOperator):
    """An unknown without its domain, so that matrices may take it from one set of nodes to another."""

    def __init__(self, child: Any, size: int) -> None:
        super().__init__(f"{size} values", child, domains={"primary": []})
        object.__setattr__(self, "_size", size)

    def _unary_new_copy(self, child: Any, perform_simplifications: bool = True) -> Any:
        waiting = child.has_symbol_of_classes(pybamm.Variable)
        return Bare(child, self._size) if waiting else child.without_domains()

    def _evaluate_for_shape(self) -> np.ndarray:
        return np.ones((self._size, 1))


@dataclass(frozen=True, eq=False)
class Electrode:
    """What the whole model needs of one electrode; vectors over the nodes that hold its solids."""

    nodes: np.ndarray
    surface: Any
    mean: Any
    phi_s: Any
    phi_e: Any
    c_e: Any
    open_circuit: Any
    overpotential: Any
    reaction: Any
    volume: Any
    start: Any

    def average(self, values: Any) -> Any:
        """Mean over the active material."""
        ones = matrix(np.ones((1, len(self.nodes))))
        return (ones @ (self.volume * values)) / (ones @ self.volume)

    def total(self, values: Any) -> Any:
        """Sum over the nodes."""
        return matrix(np.ones((1, len(self.nodes)))) @ values

    def at(self, chosen: np.ndarray, values: Any) -> Any:
        """Values at some of the nodes."""
        return matrix(rows(np.nonzero(chosen)[0], len(self.nodes))) @ values


class ElectrodeModel(pybamm.lithium_ion.BaseModel):
    """A model on a grid that can build electrodes; a `ChannelModel` adds what joins them.

    Attributes
    ----------
    sizes
        How many values every unknown has, by its domain.
    """

    def __init__(self) -> None:
        super().__init__({}, "DFN beside channels")
        self.sizes: dict[str, int] = {}
        self._p, self._temperature = self.param, self.param.T_init
        self._grid: Grid
        self._mesh: ChannelMesh
        self._fractions: Fractions

    def _unknown(self, name: str, size: int) -> tuple[Any, Any]:
        """Return an unknown of several values, and the vector of its values."""
        self.sizes[name] = size
        variable = pybamm.Variable(name, domain=name)
        return variable, Bare(variable, size)

    def _electrode(self, side: str, c_e: Any, phi_e: Any, voltage: Any) -> Electrode:
        """One electrode's particles, kinetics and solids."""
        grid, p, temperature = self._grid, self._p, self._temperature
        title, negative = side.capitalize(), side == "negative"
        domain = p.n if negative else p.p
        segments = (BELOW, BESIDE) if negative else (POSITIVE,)
        nodes, points = grid.solid(segments)
        radial = self._mesh.negative_radial if negative else self._mesh.positive_radial
        local = matrix(rows(nodes, grid.size))
        volume = local @ grid.volumes({s: self._fractions.active[s] for s in segments})
        particle, surface, mean, start = self._particles(side, domain, len(nodes), radial)

        on_collector = nodes // grid.columns == (0 if negative else grid.levels - 1)
        apart = rows(np.nonzero(~on_collector)[0], len(nodes)).T
        solid, potential = self._unknown(f"{title} electrode potential", apart.shape[1])
        phi_s = matrix(apart) @ potential
        if not negative:
            phi_s = phi_s + vector(on_collector) * voltage
        here, phi = local @ c_e, local @ phi_e
        open_circuit = domain.prim.U(surface, temperature)
        overpotential = phi_s - phi - open_circuit
        exchange = domain.prim.j0(here, domain.prim.c_max * surface, temperature)
        reduced = domain.prim.ne * p.F * overpotential / (2 * p.R * temperature)
        density = 2 * exchange * pybamm.sinh(reduced)
        radius = pybamm.InputParameter(f"{title} particle radius [m]")
        reaction = volume * 3 / radius * density

        between = grid.slope[np.ix_(points, nodes)]
        weight = matrix(rows(points, len(grid.slope))) @ grid.conductances(
            {s: self._fractions.solids[s] for s in segments}
        )
        conductivity = domain.sigma(matrix(grid.value[np.ix_(points, nodes)]) @ surface, temperature)
        current = -weight * conductivity * (matrix(between) @ phi_s)
        self.algebraic[solid] = matrix(apart.T) @ (matrix(between.T) @ current - reaction)
        guess = start - self._p.n.prim.U(pybamm.InputParameter(INITIAL["negative"]), temperature)
        self.initial_conditions[solid] = guess * vector(np.ones(apart.shape[1]))
        surface_feed = np.kron(np.eye(len(nodes)), rows([radial - 1], radial).T)
        stored = even(radial, 2).quadratic
        feed = matrix(surface_feed) @ density / (p.F * domain.prim.c_max * radius)
        self.rhs[particle] = self.rhs[particle] - feed / vector(np.tile(stored, len(nodes)))
        return Electrode(
            nodes, surface, mean, phi_s, phi, here, open_circuit, overpotential, reaction, volume, start
        )

    def _particles(self, side: str, domain: Any, count: int, radial: int) -> tuple[Any, Any, Any, Any]:
        """Diffusion in particles: their unknown, surfaces, means, and the potential at the start."""
        title, ball, each = side.capitalize(), even(radial, 2), np.eye(count)
        particle, filled = self._unknown(f"{title} stoichiometry", count * radial)
        radius = pybamm.InputParameter(f"{title} particle radius [m]")
        inside = domain.prim.c_max * (matrix(np.kron(each, ball.value)) @ filled)
        flux = domain.prim.D(inside, self._temperature) * (matrix(np.kron(each, ball.slope)) @ filled)
        back = np.kron(each, (ball.slope * ball.point_weights[:, None]).T)
        stored = vector(np.tile(ball.quadratic, count))
        self.rhs[particle] = -(matrix(back) @ flux) / radius**2 / stored
        initial = pybamm.InputParameter(INITIAL[side])
        self.initial_conditions[particle] = initial * vector(np.ones(count * radial))
        surface = matrix(np.kron(each, rows([radial - 1], radial))) @ filled
        mean = matrix(np.kron(each, 3 * ball.quadratic[None, :])) @ filled
        return particle, surface, mean, domain.prim.U(initial, self._temperature)
