"""Open-circuit potentials as JAX functions, tabulated from PyBaMM's own expressions.

A cubic Hermite table on an even grid: the interval is found by arithmetic, not by search, and the
slopes are PyBaMM's own, so that the table is good to microvolts (a test measures it).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from electrograd.physics.cell import Cell

LOWEST, HIGHEST = 1e-3, 1 - 1e-3
"""The ends of the tables. Beyond them PyBaMM adds a barrier of up to 1 V, which is no material's."""
INTERVALS = 2048


@partial(jax.tree_util.register_dataclass, data_fields=("values", "slopes"), meta_fields=())
@dataclass(frozen=True)
class OpenCircuitPotential:
    """U(stoichiometry) [V] of one electrode; call it with an array of any shape.

    Attributes
    ----------
    values
        Potential at the nodes [V].
    slopes
        dU/dstoichiometry at the nodes [V].
    """

    values: Float[Array, " nodes"] | Float[np.ndarray, " nodes"]
    slopes: Float[Array, " nodes"] | Float[np.ndarray, " nodes"]

    @classmethod
    def from_pybamm(cls, cell: Cell, side: str, temperature: float) -> "OpenCircuitPotential":
        """Tabulate PyBaMM's potential for ``side`` ("negative" or "positive") at a temperature [K].

        Where the cell's potential is not known, it goes on as a straight line (`windows`).
        """
        import casadi

        from electrograd.physics.cell_data import load_parameter_values
        from electrograd.physics.pybamm_import import pybamm

        phase = getattr(pybamm.LithiumIonParameters(), side[0]).prim
        stoichiometry = pybamm.InputParameter("stoichiometry")
        symbol = load_parameter_values(cell.source, cell.overrides).process_symbol(
            phase.U(stoichiometry, pybamm.Scalar(temperature))
        )
        x = casadi.MX.sym("x")
        potential = symbol.to_casadi(inputs={"stoichiometry": x})
        table = casadi.Function("U", [x], [potential, casadi.jacobian(potential, x)])
        nodes = np.linspace(LOWEST, HIGHEST, INTERVALS + 1)
        values, slopes = (np.asarray(out).ravel() for out in table(nodes[None, :]))
        return cls(values, slopes)

    def astype(self, dtype: DTypeLike) -> "OpenCircuitPotential":
        """Return the table in another floating-point type, as JAX arrays."""
        return type(self)(jnp.asarray(self.values, dtype), jnp.asarray(self.slopes, dtype))

    def __call__(
        self, stoichiometry: Float[Array, "*shape"] | Float[np.ndarray, "*shape"]
    ) -> Float[Array, "*shape"]:
        """Potential [V]; beyond the table's ends it goes on as a straight line."""
        inside = jnp.clip(stoichiometry, LOWEST, HIGHEST)
        _, t, (u0, rise, m0, m1), step = self._at(inside)
        cubic = u0 + t * (m0 + t * (3 * rise - 2 * m0 - m1 + t * (m0 + m1 - 2 * rise)))
        end_slope = jnp.where(stoichiometry > HIGHEST, m1, m0) / step
        return cubic + end_slope * (stoichiometry - inside)

    def integral(self, stoichiometry: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Integral of the potential from the table's lower end [V], exact between its ends."""
        left, t, (u0, rise, m0, m1), step = self._at(stoichiometry)
        values, slopes = (jnp.asarray(a, jnp.float64) for a in (self.values, self.slopes))
        whole = (values[:-1] + values[1:]) / 2 - step * jnp.diff(slopes) / 12
        before = jnp.concatenate([jnp.zeros(1), jnp.cumsum(whole)]).astype(stoichiometry.dtype)[left]
        part = t * (
            u0 + t * (m0 / 2 + t * ((3 * rise - 2 * m0 - m1) / 3 + t * (m0 + m1 - 2 * rise) / 4))
        )
        return step * (before + part)

    def _at(self, inside: Array) -> tuple[Array, Array, tuple[Array, Array, Array, Array], float]:
        """Interval of a stoichiometry, place in it, its value, rise and end slopes, and its width."""
        intervals = self.values.shape[0] - 1
        step = (HIGHEST - LOWEST) / intervals
        position = (inside - LOWEST) / step
        left = jnp.clip(jnp.floor(position), 0, intervals - 1).astype(jnp.int32)
        values, slopes = jnp.asarray(self.values), jnp.asarray(self.slopes)
        u0, rise = values[left], values[left + 1] - values[left]
        return left, position - left, (u0, rise, slopes[left] * step, slopes[left + 1] * step), step
