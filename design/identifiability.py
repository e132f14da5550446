"""What measured curves can tell of each parameter before and after a fit, by Fisher's information.

With J the slopes of the whitened residuals by the coordinates u of the unit cube, the information is
JᵀJ, the prior's 12 I (the inverse variance of an even distribution over [0, 1]), and the expected
covariance of the estimate C = (JᵀJ + 12 I)⁻¹. A parameter whose expected deviation is hardly less than
the prior's is one the curves do not tell; where a direction of the cube stays as wide as before, only
what is across it is known (Kay, Fundamentals of Statistical Signal Processing, vol. 1, ch. 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from electrograd.design.likelihood import Data, Likelihood
from electrograd.sweeps.axis import LOG, Axis

PRIOR = 12**-0.5
"""Standard deviation of an even distribution over [0, 1]."""
TOLD = 0.5
"""Curves tell a parameter if they leave less than this share of the prior's deviation."""
_MEMBER = 0.3
"""From this share of a direction's greatest component on, a parameter belongs to the direction."""


@dataclass(frozen=True)
class Identifiability:
    """What curves tell at one point, or in the median of several.

    Attributes
    ----------
    names
        Of the parameters.
    left
        By parameter: expected deviation of its estimate over the prior's; 1 where curves tell nothing.
    correlations
        Of the estimates.
    eigenvalues
        Of the information, over the prior's: falling; below 1 the prior knows more than the curves.
    unknown
        Directions that stay wider than `TOLD`, each with its deviation over the prior's: by parameter,
        components of unit length in all.
    """

    names: tuple[str, ...]
    left: Float[np.ndarray, " variables"]
    correlations: Float[np.ndarray, "variables variables"]
    eigenvalues: Float[np.ndarray, " variables"]
    unknown: tuple[tuple[float, Float[np.ndarray, " variables"]], ...]

    @property
    def told(self) -> dict[str, bool]:
        """Which parameters the curves tell: none that has a part in a direction which they do not."""
        untold = {k for members in self.groups for k in members}
        return {
            name: bool(left < TOLD) and k not in untold
            for k, (name, left) in enumerate(zip(self.names, self.left, strict=True))
        }

    @property
    def groups(self) -> list[list[int]]:
        """Parameters that are known together only, each group by falling share of its direction."""
        found = []
        for _, direction in self.unknown:
            size = np.abs(direction)
            members = [k for k in np.argsort(-size) if size[k] >= _MEMBER * size.max()]
            found.append([int(k) for k in members])
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "deviation left [share of the prior's]": dict(
                zip(self.names, self.left.tolist(), strict=True)
            ),
            "correlations": self.correlations.tolist(),
            "information over the prior's, by direction": self.eigenvalues.tolist(),
            "unknown directions": [
                {"left": left, "direction": dict(zip(self.names, along.tolist(), strict=True))}
                for left, along in self.unknown
            ],
        }


def fisher(
    likelihood: Likelihood, unit: Float[np.ndarray, " variables"], data: Data
) -> Float[np.ndarray, "variables variables"]:
    """Information of the curves at a point of the unit cube."""
    slopes = np.asarray(likelihood.jacobian(jnp.asarray(unit), data))
    return slopes.T @ slopes


def identifiability(
    names: Sequence[str], information: Float[np.ndarray, "variables variables"]
) -> Identifiability:
    """Read what is known off an information matrix."""
    covariance = np.linalg.inv(information + np.eye(len(names)) / PRIOR**2)
    deviation = np.sqrt(np.diag(covariance))
    known, directions = np.linalg.eigh(information * PRIOR**2)
    left = 1 / np.sqrt(1 + np.maximum(known, 0))
    return Identifiability(
        names=tuple(names),
        left=deviation / PRIOR,
        correlations=covariance / np.multiply.outer(deviation, deviation),
        eigenvalues=known[::-1],
        unknown=tuple(
            (float(wide), directions[:, k] * np.sign(directions[np.argmax(np.abs(directions[:, k])), k]))
            for k, wide in enumerate(left)
            if wide >= TOLD
        ),
    )


def sentences(
    found: Identifiability, axes: Sequence[Axis], unit: Float[np.ndarray, " variables"]
) -> list[str]:
    """Say in words what curves cannot determine at a point of the unit cube; empty if they tell all.

    A direction of several parameters is said by what moves together: by how much each changes where the
    first changes by a tenth of its range.
    """
    said, named = [], set()
    for members, (_, direction) in zip(found.groups, found.unknown, strict=True):
        if len(members) == 1:
            (k,) = members
            said.append(
                f"These curves cannot determine {_lower(found.names[k])}: its uncertainty stays at "
                f"{100 * found.left[k]:.0f} % of what it was before."
            )
        else:
            one, *others = (_lower(found.names[k]) for k in members)
            rest = " and ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)
            said.append(
                f"These curves cannot tell {one} from {rest}, and determine a combination only: "
                f"{_moves(members, direction, found.names, axes, unit)}."
            )
        named |= set(members)
    for k, (name, left) in enumerate(zip(found.names, found.left, strict=True)):
        if left >= TOLD and k not in named:
            said.append(
                f"These curves cannot determine {_lower(name)}: its uncertainty stays at "
                f"{100 * left:.0f} % of what it was before."
            )
    return said


def _moves(
    members: list[int],
    direction: Float[np.ndarray, " variables"],
    names: Sequence[str],
    axes: Sequence[Axis],
    unit: Float[np.ndarray, " variables"],
) -> str:
    """What changes together unnoticed along a direction, the first by a tenth of its range."""
    scale = 0.1 / abs(direction[members[0]])
    told = []
    for k in members:
        step, axis = scale * direction[k], axes[k]
        if axis.kind == LOG:
            change = (axis.upper / axis.lower) ** step - 1
        else:
            width = axis.upper - axis.lower
            change = step * width / (axis.lower + unit[k] * width)
        told.append(f"{_lower(names[k])} by {100 * change:+.0f} %")
    return f"a change of {told[0]} goes unnoticed with one of {' and of '.join(told[1:])}"


def _lower(name: str) -> str:
    plain = name.partition(" [")[0]
    return plain[:1].lower() + plain[1:]
