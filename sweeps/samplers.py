"""Which designs of a space are simulated: sequences, grids, SALib's designs, and points from a table.

Every one is deterministic by its seed and leaves NumPy's global random state alone. They draw even
numbers in [0, 1], which the space turns into values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import qmc

from electrograd.physics.errors import InputError, check_name
from electrograd.sweeps.points import read_points
from electrograd.sweeps.space import DesignSpace

SOBOL, LATIN, GRID, CSV = "sobol", "latin hypercube", "grid", "csv"
SALTELLI, MORRIS, FAST = "saltelli", "morris", "fast"
KINDS: dict[str, str] = {
    SOBOL: "scrambled Sobol sequence: more designs begin with the same",
    LATIN: "Latin hypercube: every variable's range is cut evenly into as many parts as designs",
    GRID: "every combination of so many levels of each variable",
    SALTELLI: "so many base samples (a power of two) for Sobol indices, second order too",
    MORRIS: "so many trajectories for elementary effects",
    FAST: "so many samples a variable for the Fourier amplitude test",
    CSV: "points from a table, its header the variables' names",
}
"""Samplers, with what each does, or with what its number means."""

EXAMPLES = {
    GRID: "{grid: 5}",
    SALTELLI: "{saltelli: 64}",
    MORRIS: "{morris: 10}",
    FAST: "{fast: 65}",
    CSV: "{csv: points.csv}",
}
"""How a study says the samplers that a name alone does not."""

_LEAST = {GRID: 2, SALTELLI: 2, MORRIS: 2, FAST: 65}
MOST_DESIGNS = 1_000_000
"""The most designs of a plan."""
MOST_LEVELS = 20
"""The most levels of a Morris design: with more, most of them would never be drawn."""


@dataclass(frozen=True)
class Sampler:
    """How designs are drawn from a space.

    Attributes
    ----------
    kind
        Of `KINDS`.
    base
        Levels of a grid, base samples of Saltelli's design, Morris' trajectories, samples a variable of
        FAST; None for the others.
    file
        Path of the table of points; empty for the others.

    Raises
    ------
    InputError
        For an unknown kind, or a number that it cannot work with.
    """

    kind: str = SOBOL
    base: int | None = None
    file: str = ""

    def __post_init__(self) -> None:
        check_name(self.kind, KINDS, "a sampler must be one this release knows")
        least = _LEAST.get(self.kind)
        if (self.base is None) != (least is None) or bool(self.file) != (self.kind == CSV):
            raise InputError(
                f"the sampler {self.kind!r} must have just what it needs: {KINDS[self.kind]}",
                " ".join(str(given) for given in (self.kind, self.base, self.file) if given),
                EXAMPLES.get(self.kind, self.kind),
            )
        if least is None or self.base is None:
            return
        if self.base < least:
            raise InputError(
                f"the sampler {self.kind!r} must have at least {least}: {KINDS[self.kind]}",
                self.base,
                least,
            )
        if self.kind == SALTELLI and self.base & (self.base - 1):
            nearest = 2 ** round(np.log2(self.base))
            raise InputError("base samples must be a power of two", self.base, nearest)

    @classmethod
    def of(cls, said: str | Mapping[str, int | str]) -> "Sampler":
        """Read a sampler as a study says it: its name, or ``{name: number or file}``.

        Raises
        ------
        InputError
            As the class does.
        """
        if isinstance(said, str):
            return cls(said)
        if len(said) != 1:
            raise InputError("a sweep must have one sampler", list(said), "one of " + ", ".join(KINDS))
        ((kind, value),) = said.items()
        return cls(kind, file=value) if isinstance(value, str) else cls(kind, base=int(value))

    @property
    def counted(self) -> bool:
        """Whether a study says how many designs it draws; the others set the number themselves."""
        return self.kind in (SOBOL, LATIN)

    @property
    def extends(self) -> bool:
        """Whether a plan of more designs begins with the same ones."""
        return self.kind in (SOBOL, CSV)

    @property
    def whole(self) -> bool:
        """Whether what is estimated from its designs needs every one of them."""
        return self.kind in (SALTELLI, MORRIS, FAST)

    def size(self, space: DesignSpace, designs: int | None = None) -> int:
        """How many designs it draws from a space.

        Parameters
        ----------
        designs
            How many are wanted, of a sampler that is `counted`.

        Raises
        ------
        InputError
            For more than `MOST_DESIGNS`; a number that is missing, or one too many; a table of points
            that cannot be read.
        """
        if self.counted != (designs is not None):
            rule = "needs the number of designs" if self.counted else "sets the number of designs itself"
            raise InputError(
                f"the sampler {self.kind!r} {rule}", f"designs: {designs}", KINDS[self.kind]
            )
        if self.kind == CSV:
            return _few(len(read_points(self.file, space)), self.kind)
        return _few(designs or self._own_size(space), self.kind)

    def _own_size(self, space: DesignSpace) -> int:
        base, variables = self.base or 0, len(space)
        if self.kind == GRID:
            levels = [axis.levels or base for axis in space.axes]
            return int(np.prod(levels, dtype=object))
        rows = {SALTELLI: 2 * variables + 2, MORRIS: variables + 1, FAST: variables}[self.kind]
        return base * rows

    def draw(
        self, space: DesignSpace, designs: int | None = None, seed: int = 0
    ) -> Float[np.ndarray, "designs variables"]:
        """Draw designs; see `size` for what is refused.

        Returns
        -------
        array
            Values in SI units, labels as their positions, a row a design.
        """
        if self.kind == CSV and designs is None:
            points = read_points(self.file, space)
            _few(len(points), self.kind)
            return points
        count = self.size(space, designs)
        if self.kind == SOBOL:
            return space.sobol(count, seed)
        return space.from_unit(self._unit(space, count, seed))

    def _unit(self, space: DesignSpace, count: int, seed: int) -> np.ndarray:
        """Even numbers in [0, 1], of the samplers that do not extend."""
        if self.kind == LATIN:
            return qmc.LatinHypercube(len(space), rng=np.random.default_rng(seed)).random(count)
        if self.kind == GRID:
            sides = [_levels(axis.levels, self.base or 0) for axis in space.axes]
            return np.stack([side.ravel() for side in np.meshgrid(*sides, indexing="ij")], axis=1)
        # Late: SALib brings pandas, a quarter of a second and 60 MB.
        from SALib.sample import fast_sampler, morris
        from SALib.sample import sobol as saltelli

        names = list(space.names)
        box: dict[str, Any] = {"num_vars": len(space), "names": names, "bounds": [[0, 1]] * len(space)}
        if self.kind == SALTELLI:
            unit = saltelli.sample(box, self.base, calc_second_order=True, seed=seed)
        elif self.kind == MORRIS:
            unit = morris.sample(box, self.base, num_levels=morris_levels(space), seed=seed)
        else:
            unit = fast_sampler.sample(box, self.base, seed=seed)
        return np.clip(np.asarray(unit, float), 0.0, 1.0)  # FAST's sines round past the ends

    def identity(self, space: DesignSpace, designs: int | None, seed: int) -> dict[str, Any]:
        """What tells one plan from another, as plain JSON.

        Without the number of designs where the sampler `extends`: more of them are the same plan.
        """
        told: dict[str, Any] = {"kind": self.kind}
        if self.kind not in (GRID, CSV):
            told["seed"] = seed
        if self.base is not None:
            told["base"] = self.base
        return told if self.extends else {**told, "designs": self.size(space, designs)}


def morris_levels(space: DesignSpace) -> int:
    """How many even levels a Morris design has: an even number, 4 at least.

    As many as the axis with the most whole numbers or choices takes values, so that each of them can be
    drawn, but `MOST_LEVELS` at most. Where SALib estimates the effects it is told them, ``num_levels``.
    """
    most = min(max(axis.levels for axis in space.axes), MOST_LEVELS)
    return max(4, most + most % 2)


def sobol_blocks(space: DesignSpace, seed: int, first: int) -> Iterator[np.ndarray]:
    """Yield one Sobol sequence in parts: ``first`` designs, a power of two, then doubling it."""
    sampler = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
    part = first
    while True:
        yield space.from_unit(sampler.random(part))
        part = int(sampler.num_generated)


def _few(designs: int, kind: str) -> int:
    """Hand through a number of designs that a plan can hold."""
    if designs > MOST_DESIGNS:
        raise InputError(
            f"a sweep holds at most {MOST_DESIGNS:,} designs", f"{designs:,} ({kind})", MOST_DESIGNS
        )
    return designs


def _levels(own: int, wanted: int) -> np.ndarray:
    """Even numbers that fall on each value of an axis once; both ends where it takes every value."""
    return (np.arange(own) + 0.5) / own if own else np.linspace(0.0, 1.0, wanted)
