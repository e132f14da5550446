"""What a state of the P2D holds and in which order; known without PyBaMM."""

from dataclasses import dataclass

NEGATIVE_PARTICLE = "Negative particle concentration [mol.m-3]"
POSITIVE_PARTICLE = "Positive particle concentration [mol.m-3]"
SALT = "Porosity times concentration [mol.m-3]"
NEGATIVE_SOLID = "Negative electrode potential [V]"
POSITIVE_SOLID = "Positive electrode potential [V]"
ELECTROLYTE_POTENTIAL = "Electrolyte potential [V]"
PASSED = "Discharge capacity [A.h]"
THROUGHPUT = "Throughput capacity [A.h]"
FIELDS = (
    NEGATIVE_PARTICLE,
    POSITIVE_PARTICLE,
    SALT,
    NEGATIVE_SOLID,
    POSITIVE_SOLID,
    ELECTROLYTE_POTENTIAL,
)
"""Fields by PyBaMM's names. With two counts of charge they are the whole state."""


@dataclass(frozen=True)
class StateLayout:
    """Where each field lies in a state, and in what units; plain numbers, to be kept in an artefact.

    Attributes
    ----------
    points
        Control volumes in each electrode, in the separator, and in each particle.
    slices
        First and last (exclusive) entry of each field, and of both counts of charge, by name.
    scales, references
        A field's value is reference + scale * state, in its own unit.
    """

    points: int
    slices: dict[str, tuple[int, int]]
    scales: dict[str, float]
    references: dict[str, float]

    @property
    def states(self) -> int:
        """How many entries a state has."""
        return max(end for _, end in self.slices.values())

    def part(self, name: str) -> slice:
        """Where a field lies."""
        return slice(*self.slices[name])
