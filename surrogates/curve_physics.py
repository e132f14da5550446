"""Curves from a network's outputs: the physics that they pass through.

A coordinate network: design and charge passed go in, four positive numbers g come out, all 1 where the
closed-form estimates of `surrogates.estimates` are right. They scale how far the particle surfaces run
ahead of their means, and two overpotentials; PyBaMM's open-circuit potentials turn them into voltages:

    x_s = 1 - (1 - x) exp(-g₁ Δₙ),  y_s = y exp(-g₂ Δₚ),    x, y: means by Coulomb counting, exact
    φ_n = U_n(x_s) - g₃ ηₙ,         V = U_p(y_s) - U_n(x_s) + g₄ η

The estimated leads Δ and overpotentials η are positive and vanish with the current. So lithium is
counted exactly, surfaces lead their means and stay inside (0, 1), overpotentials have the sign of a
charge, and everything tends to the open-circuit curve as the rate tends to zero, for any weights.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import qmc

from electrograd.physics.cell import Cell
from electrograd.physics.materials import Materials
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.physics.scenario import Scenario
from electrograd.physics.stack import Parameters, nominal_capacity, rate_capacity
from electrograd.physics.variables import C_RATE, FACTORS
from electrograd.surrogates.estimates import SALT, Estimates, estimate
from electrograd.sweeps.space import DesignSpace

CURVES = ("voltage", "negative_potential", "negative_surface", "positive_surface")
SLOW = 0.25
"""Scale of the inputs that hold for a whole charge, beside 1 for those that run along it: curves change
faster along a charge than from design to design, and so the network starts."""


@dataclass(frozen=True)
class Form:
    """Which physics is built into the form; everything, unless an ablation asks what each is worth.

    Attributes
    ----------
    groups
        Give the network dimensionless groups and shapes of their rise beside the design.
    salt
        Have how salt runs out along the charge among these shapes.
    estimates
        Scale its outputs by closed-form estimates; else by √share and, with ``zero_rate``, the C-rate.
    zero_rate
        Let overpotentials and leads vanish with the rate whatever the weights.
    potentials
        Turn surface stoichiometries into voltages by PyBaMM's open-circuit potentials; else voltages,
        like stoichiometries, are the network's own outputs, of any sign.
    """

    groups: bool = True
    salt: bool = True
    estimates: bool = True
    zero_rate: bool = True
    potentials: bool = True


class Inputs(NamedTuple):
    """What is known of a design at a point of its charge, before any learning.

    Attributes
    ----------
    features
        The network's inputs, standardised.
    means
        Mean stoichiometries, negative and positive.
    scales
        What the outputs scale: two leads in stoichiometry, two overpotentials [V].
    """

    features: Float[Array, "*points features"]
    means: Float[Array, "*points 2"]
    scales: Float[Array, "*points 4"]


@dataclass(frozen=True)
class CurvePhysics:
    """What the network's form knows: cell, materials, open-circuit potentials, the box, the rate.

    Attributes
    ----------
    c_rate, rate_of
        Where designs have no C-rate of their own, and what it is relative to, as in `Scenario`.
    centre, spread
        Mean and standard deviation of the features over the box: `standardised` sets them. A network
        that is tuned to another cell keeps those it was trained with.
    """

    cell: Cell
    materials: Materials
    negative: OpenCircuitPotential
    positive: OpenCircuitPotential
    space: DesignSpace
    c_rate: float
    rate_of: str = "design"
    form: Form = Form()
    centre: Float[Array, " features"] | Float[np.ndarray, " features"] | None = None
    spread: Float[Array, " features"] | Float[np.ndarray, " features"] | None = None

    @classmethod
    def of(
        cls, cell: Cell, space: DesignSpace, scenario: Scenario, form: Form | None = None
    ) -> "CurvePhysics":
        """Derive all that is known of a cell in a scenario from PyBaMM, for the designs of a box."""
        negative, positive = (
            OpenCircuitPotential.from_pybamm(cell, side, scenario.temperature).astype(jnp.float32)
            for side in ("negative", "positive")
        )
        return cls(
            cell=cell,
            materials=Materials.from_pybamm(cell, scenario.temperature),
            negative=negative,
            positive=positive,
            space=space,
            c_rate=scenario.c_rate,
            rate_of=scenario.rate_of,
            form=form or Form(),
        ).standardised()

    def standardised(self) -> "CurvePhysics":
        """Return the same with features centred and scaled over the box."""
        plain = replace(self, centre=None, spread=None)
        unit = qmc.Sobol(len(self.space), seed=0).random_base2(9)
        designs = jnp.asarray(self.space.from_unit(unit))
        share = jnp.linspace(0.0, 0.9, 19)
        features = jax.jit(jax.vmap(lambda design: plain.inputs(design, share).features))(designs)
        spread = np.std(features, axis=(0, 1))
        return replace(
            self,
            centre=np.asarray(np.mean(features, axis=(0, 1), dtype=float), np.float32),
            spread=np.asarray(np.where(spread > 1e-6, spread, 1.0), np.float32),
        )

    @property
    def features(self) -> int:
        """How many numbers a network is given at a point of a charge."""
        design, share = (jax.ShapeDtypeStruct((n,), jnp.float32) for n in (len(self.space), 1))
        return int(jax.eval_shape(lambda *at: self.inputs(*at).features, design, share).shape[-1])

    @property
    def slow_features(self) -> int:
        """How many of them hold for a whole charge."""
        design = jax.ShapeDtypeStruct((len(self.space),), jnp.float32)
        return int(jax.eval_shape(self.slow_inputs, design).shape[-1])

    def parameters(self, design: Float[Array, "... variables"]) -> dict[str, Any]:
        """Complete designs, given in the order of the space, to P2D parameters."""
        by_name = {name: design[..., k] for k, name in enumerate(self.space.names)}
        return self.cell.parameters(by_name)

    def rate(self, parameters: Parameters) -> Float[Array, "..."]:
        """C-rate of a complete design, relative to its own nominal capacity whatever it was given in."""
        nominal = nominal_capacity(self.cell, parameters)
        c_rate = parameters.get(C_RATE, self.c_rate)
        return c_rate * rate_capacity(self.cell, parameters, self.rate_of) / nominal

    def inputs(self, design: Float[Array, " variables"], share: Float[Array, " points"]) -> Inputs:
        """Return what is known of one design at shares of its nominal capacity passed."""
        parameters = self.parameters(design)
        c_rate = self.rate(parameters)
        known = estimate(self.cell, self.materials, parameters, c_rate, share)
        x, y = known.negative_mean, known.positive_mean
        root = jnp.sqrt(share + 1e-6)  # the tiny shift keeps its slope finite
        if self.form.estimates:
            x_lead, y_lead = known.negative_lead, known.positive_lead
            scales = [x_lead, y_lead, known.negative_kinetic, known.polarisation]
        else:
            rate = jnp.broadcast_to(c_rate if self.form.zero_rate else 1.0, share.shape)
            x_lead, y_lead = 0.0 * x, 0.0 * y
            scales = [root * rate, root * rate, 0.1 * rate, 0.1 * rate]
        slow = self._slow(design, known)
        along = [jnp.stack([share, root, x, y], axis=-1)]
        if self.form.groups:
            along.append(known.shapes if self.form.salt else known.shapes[:, SALT:])
        if self.form.potentials:
            at = [(self.negative, x), (self.positive, y)]
            if self.form.estimates:
                at += (
                    (self.negative, 1 - (1 - x) * jnp.exp(-x_lead)),
                    (self.positive, y * jnp.exp(-y_lead)),
                )
            along.append(jnp.stack([potential(s) for potential, s in at], axis=-1))
        quick = jnp.concatenate(along, axis=-1)
        if self.centre is not None and self.spread is not None:
            centre, spread = (jnp.asarray(a, design.dtype) for a in (self.centre, self.spread))
            slow = SLOW * slow
            quick = (quick - centre[None, slow.size :]) / spread[None, slow.size :]
        every = jnp.broadcast_to(slow, (*share.shape, slow.size))
        return Inputs(
            jnp.concatenate([every, quick], axis=-1),
            jnp.stack([x, y], axis=-1),
            jnp.stack(scales, axis=-1),
        )

    def slow_inputs(self, design: Float[Array, " variables"]) -> Float[Array, " features"]:
        """Return the features that hold for a whole charge, standardised."""
        parameters = self.parameters(design)
        c_rate = self.rate(parameters)
        somewhere = jnp.full(1, 0.5, design.dtype)
        return self._slow(design, estimate(self.cell, self.materials, parameters, c_rate, somewhere))

    def _slow(self, design: Float[Array, " variables"], known: Estimates) -> Float[Array, " features"]:
        lower, upper = (jnp.asarray(b, design.dtype) for b in (self.space.lower, self.space.upper))
        if any(name in FACTORS for name in self.space.names):  # factors count by their logarithms
            factor = np.array([name in FACTORS for name in self.space.names])
            design, lower, upper = (
                jnp.where(factor, jnp.log(jnp.where(factor, x, 1.0)), x) for x in (design, lower, upper)
            )
        slow = 2 * (design - lower) / (upper - lower) - 1
        if self.form.groups:
            slow = jnp.concatenate([slow, known.groups])
        if self.centre is None or self.spread is None:
            return slow
        centre, spread = (jnp.asarray(a, slow.dtype)[: slow.size] for a in (self.centre, self.spread))
        return (slow - centre) / spread

    def decode(
        self,
        outputs: Float[Array, "*points 4"],
        means: Float[Array, "*points 2"],
        scales: Float[Array, "*points 4"],
    ) -> Float[Array, "*points 4"]:
        """Turn a network's outputs into curves.

        Returns
        -------
        array
            Voltage [V], negative electrode potential at the separator [V], fullest negative and
            emptiest positive surface stoichiometry, in the order of `CURVES`.
        """
        if not self.form.potentials:
            voltage, potential, x_surface, y_surface = jnp.moveaxis(outputs, -1, 0)
            return jnp.stack(
                [
                    3.8 + 0.3 * voltage,
                    0.1 + 0.1 * potential,
                    0.5 + 0.3 * x_surface,
                    0.5 + 0.3 * y_surface,
                ],
                axis=-1,
            )
        factors = jax.nn.softplus(outputs + _ONE) * scales
        x_lead, y_lead, kinetic, polarisation = jnp.moveaxis(factors, -1, 0)
        x_surface = 1 - (1 - means[..., 0]) * jnp.exp(-x_lead)
        y_surface = means[..., 1] * jnp.exp(-y_lead)
        u_n, u_p = self.negative(x_surface), self.positive(y_surface)
        return jnp.stack([u_p - u_n + polarisation, u_n - kinetic, x_surface, y_surface], axis=-1)

    def open_circuit(self, means: Float[Array, "*points 2"]) -> Float[Array, "*points 4"]:
        """Return the curves that there would be without current, in the order of `CURVES`."""
        x, y = means[..., 0], means[..., 1]
        u_n, u_p = self.negative(x), self.positive(y)
        return jnp.stack([u_p - u_n, u_n, x, y], axis=-1)


_ONE = float(np.log(np.e - 1))  # softplus of it is 1
