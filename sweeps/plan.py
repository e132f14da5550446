"""The designs that a sweep simulates: drawn from its space, some left out and counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from electrograd.physics.cell import Cell
from electrograd.physics.errors import InputError
from electrograd.sweeps.feasible import Constraint, verdicts
from electrograd.sweeps.samplers import SOBOL, Sampler, sobol_blocks
from electrograd.sweeps.space import DesignSpace, told_design

FIRST, PATIENCE, LEAST_DRAWN = 256, 64, 65536
"""Designs first drawn of a sequence; it is drawn on until it is so many times as long as wanted, and so
long at least."""


@dataclass(frozen=True)
class Plan:
    """The designs of a sweep.

    Attributes
    ----------
    space
        What they are drawn from.
    values
        A row a design, a column a variable; SI units, labels as their positions.
    sampler
        What tells the plan from another, as plain JSON; without the number of designs where a longer
        plan begins with the same designs.
    rejected
        How many designs were drawn and left out, by reason.
    """

    space: DesignSpace
    values: Float[np.ndarray, "designs variables"]
    sampler: dict[str, Any]
    rejected: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def design(self, row: int) -> dict[str, float | str]:
        """One design by name, labels in words."""
        return self.space.decode(self.values[row])


def make_plan(
    cell: Cell,
    space: DesignSpace,
    sampler: Sampler,
    designs: int | None,
    seed: int,
    constraints: Sequence[Constraint] = (),
) -> Plan:
    """Draw the designs of a sweep.

    Designs that cannot be built, or that break a constraint, are left out; a Sobol sequence is drawn on
    until as many as are wanted are left.

    Parameters
    ----------
    cell
        With the structure of the designs.
    designs
        How many, where the sampler does not set the number itself.
    constraints
        Bounds that designs keep.

    Raises
    ------
    InputError
        For a space in which next to no design can be built and keeps the constraints; a sampler that
        needs every design and would lose one; and what `Sampler.draw` refuses.
    """
    identity = sampler.identity(space, designs, seed)
    if constraints:
        identity["constraints"] = [str(constraint) for constraint in constraints]
    if sampler.kind == SOBOL:
        wanted = sampler.size(space, designs)
        values, reasons = _drawn_on(cell, space, wanted, seed, constraints)
    else:
        values = sampler.draw(space, designs, seed)
        reasons = verdicts(cell, space, values, constraints)
    kept = np.array([not reason for reason in reasons])
    if sampler.whole and not kept.all():
        first = int(np.argmin(kept))
        where = told_design(space.decode(values[first]))
        raise InputError(
            f"the sampler {sampler.kind!r} needs every design to be one that can be built and keeps the "
            f"constraints: {reasons[first]}",
            f"{int(np.sum(~kept))} of {len(kept)} that are not, the first at {where}",
            "narrower variables, or the sampler 'sobol', which leaves such designs out",
        )
    rejected = dict(Counter(filter(None, reasons)).most_common())
    if not kept.any():
        raise _infeasible(rejected, 0, len(values))
    return Plan(space, values[kept], identity, rejected)


def check_feasible(
    cell: Cell, space: DesignSpace, constraints: Sequence[Constraint], drawn: int = 4096
) -> None:
    """Refuse a space in which no design can be built and keeps the constraints, as far as drawing tells.

    Raises
    ------
    InputError
        With the commonest reason.
    """
    for part in (drawn // 16, drawn):  # nearly always the first designs tell
        reasons = verdicts(cell, space, space.sobol(part, seed=0), constraints)
        if "" in reasons:
            return
    raise _infeasible(dict(Counter(reasons).most_common()), 0, drawn)


def _drawn_on(
    cell: Cell, space: DesignSpace, wanted: int, seed: int, constraints: Sequence[Constraint]
) -> tuple[np.ndarray, list[str]]:
    """A Sobol sequence up to its last design that is wanted, and why others on the way are left out."""
    parts: list[np.ndarray] = []
    reasons: list[str] = []
    most = max(PATIENCE * wanted, LEAST_DRAWN)
    sequence = sobol_blocks(space, seed, max(FIRST, 1 << (wanted - 1).bit_length()))
    while len(reasons) < most:
        parts.append(next(sequence))
        reasons += verdicts(cell, space, parts[-1], constraints)
        kept = [k for k, reason in enumerate(reasons) if not reason]
        if len(kept) >= wanted:
            end = kept[wanted - 1] + 1
            return np.concatenate(parts)[:end], reasons[:end]
    rejected = dict(Counter(filter(None, reasons)).most_common())
    raise _infeasible(rejected, len(kept), len(reasons), wanted)


def _infeasible(rejected: dict[str, int], kept: int, drawn: int, wanted: int = 1) -> InputError:
    reason, count = next(iter(rejected.items()))
    return InputError(
        "a space must hold designs that can be built and keep the constraints, and not next to none",
        f"{kept} of {drawn} designs drawn, {wanted} wanted; the commonest reason, of {count}: {reason}",
        "wider variables, or milder constraints",
    )
