"""What tells limiting processes apart along a simulated charge: surfaces, salt, parts of the voltage."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from electrograd.physics.charge import (
    ELECTROLYTE,
    LOSSES,
    NEGATIVE_MEAN,
    NEGATIVE_POTENTIAL,
    NEGATIVE_SURFACE,
    OBSERVABLES,
    POSITIVE_MEAN,
    POSITIVE_SURFACE,
    SATURATION,
    Charge,
)
from electrograd.physics.limit_words import DRY, LARGEST, SURFACE, Process
from electrograd.physics.variables import SIDES

*_, _CONCENTRATION, _OHMIC_ELECTROLYTE, _OHMIC_SOLIDS = LOSSES
_OF_SIDE = {
    "diffusion": "Battery {} particle concentration overpotential [V]",
    "kinetics": "X-averaged battery {} reaction overpotential [V]",
    "salt": "X-averaged {} electrolyte concentration [mol.m-3]",
    "surface": "X-averaged {} particle surface stoichiometry",
}
_BULK = "Battery negative electrode bulk open-circuit potential [V]"
REASONS = (*OBSERVABLES, _BULK, *(name.format(side) for name in _OF_SIDE.values() for side in SIDES))
"""What a simulated charge must have recorded for its limit to be named."""

DEPLETED = 0.05
"""Share of the electrolyte's initial concentration below which an electrode counts as out of salt."""
_FULL, _EMPTY = 0.9, 0.1
"""Surface stoichiometries from which on surfaces that are saturated in the end limit a charge."""
_BROAD = 0.2
"""Share of an electrode whose surfaces must be saturated for them to be what limits a charge. Less is
one place, from which the reaction moves on."""
_LITTLE = 1e-12


@dataclass(frozen=True)
class Signs:
    """What tells the processes apart, along a charge: arrays of shape (steps,).

    Attributes
    ----------
    parts
        Losses [V] by process and electrode; they sum to the voltage over the open-circuit voltage.
    costs
        What each process costs [V]: the parts, and its share of what it brings about.
    lead
        By how much the average particle surface runs ahead of the mean stoichiometry, by side.
    uneven
        By how much the foremost surface runs ahead of the average one, by side.
    dry, dry_side
        Where the electrolyte is out of salt, and in which electrode it is when it is.
    full
        Where the foremost surface is nearly full (in the positive electrode: empty), by side.
    saturated
        Share of each electrode whose surfaces are saturated, by side.
    potential
        Of the negative electrode at the separator, against lithium [V].
    causes
        What takes that potential below the open-circuit potential [V].
    """

    parts: dict[str, Float[np.ndarray, " steps"]]
    costs: dict[Process, Float[np.ndarray, " steps"]]
    lead: dict[str, Float[np.ndarray, " steps"]]
    uneven: dict[str, Float[np.ndarray, " steps"]]
    dry: Bool[np.ndarray, " steps"]
    full: dict[str, Bool[np.ndarray, " steps"]]
    dry_side: str
    saturated: dict[str, Float[np.ndarray, " steps"]]
    potential: Float[np.ndarray, " steps"]
    causes: dict[str, Float[np.ndarray, " steps"]]

    @classmethod
    def of(cls, charge: Charge, salt: float) -> "Signs":
        """Read them off a charge with the observables `REASONS`, and the initial salt [mol.m-3]."""
        known = charge.observables

        def of_side(kind: str, side: str) -> Any:
            return known[_OF_SIDE[kind].format(side)]

        sign = {"negative": -1.0, "positive": 1.0}
        # By how much surfaces run ahead of their means (diffusion in the particles), and the foremost
        # surface ahead of the average one (an uneven reaction, for which electrolyte and solids answer).
        lead = {
            "negative": of_side("surface", "negative") - known[NEGATIVE_MEAN],
            "positive": known[POSITIVE_MEAN] - of_side("surface", "positive"),
        }
        uneven = {
            "negative": known[NEGATIVE_SURFACE] - of_side("surface", "negative"),
            "positive": of_side("surface", "positive") - known[POSITIVE_SURFACE],
        }
        within, between = {}, {}
        for side in SIDES:
            loss = sign[side] * of_side("diffusion", side)
            ahead = np.maximum(lead[side], 0) + np.maximum(uneven[side], 0)
            own = np.maximum(lead[side], 0) / np.maximum(ahead, _LITTLE)
            within[side], between[side] = own * loss, (1 - own) * loss
        kinetics = {side: sign[side] * of_side("kinetics", side) for side in SIDES}
        salt_loss, ohmic, solid = (
            known[name] for name in (_CONCENTRATION, _OHMIC_ELECTROLYTE, _OHMIC_SOLIDS)
        )
        # What an uneven reaction costs belongs to what makes it uneven, in proportion.
        transport = np.maximum(salt_loss + ohmic + solid, _LITTLE)
        more = 1 + np.maximum(between["negative"] + between["positive"], 0) / transport
        # An electrode without salt conducts nothing: what that costs is the salt's doing.
        dry = known[ELECTROLYTE] < DEPLETED * salt
        emptier = of_side("salt", "negative")[-1] <= of_side("salt", "positive")[-1]
        dry_side = "negative" if emptier else "positive"
        surface = known[_BULK] + of_side("diffusion", "negative") + of_side("kinetics", "negative")
        return cls(
            parts={
                **{f"solid diffusion, {side}": within[side] for side in SIDES},
                **{f"uneven reaction, {side}": between[side] for side in SIDES},
                **{f"kinetics, {side}": kinetics[side] for side in SIDES},
                "electrolyte concentration": salt_loss,
                "electrolyte ohmic": ohmic,
                "solid ohmic": solid,
            },
            costs={
                _electrolyte(dry_side): more * (salt_loss + dry * ohmic),
                Process.NEGATIVE_DIFFUSION: within["negative"],
                Process.POSITIVE_DIFFUSION: within["positive"],
                Process.KINETICS: kinetics["negative"] + kinetics["positive"],
                Process.OHMIC: more * (solid + ~dry * ohmic),
            },
            lead=lead,
            uneven=uneven,
            dry=dry,
            full={
                "negative": known[NEGATIVE_SURFACE] > _FULL,
                "positive": known[POSITIVE_SURFACE] < _EMPTY,
            },
            dry_side=dry_side,
            saturated={side: known[share] for side, (share, _) in SATURATION.items()},
            potential=known[NEGATIVE_POTENTIAL],
            causes={
                "diffusion in the negative particles": -of_side("diffusion", "negative"),
                "the negative electrode's kinetics": -of_side("kinetics", "negative"),
                "the reaction crowding at the negative electrode's front": surface
                - known[NEGATIVE_POTENTIAL],
            },
        )

    def plating_cause(self, instant: int) -> str:
        """What takes the most from the potential at the separator."""
        return max(self.causes, key=lambda cause: float(self.causes[cause][instant]))

    def limiting(self, instant: int) -> tuple[Process, str, Bool[np.ndarray, " steps"]]:
        """The process at an instant, how it shows, and where along the charge it showed."""
        shares = {side: float(share[instant]) for side, share in self.saturated.items()}
        fullest = max(shares, key=lambda side: shares[side])
        surface = fullest if shares[fullest] >= _BROAD else ""
        if surface and self.lead[surface][instant] >= self.uneven[surface][instant]:
            return _diffusion(surface), SURFACE, self.full[surface]
        salt = _electrolyte(self.dry_side)
        if surface:
            if self.dry[instant]:
                return salt, DRY, self.dry
            return _electrolyte(surface), SURFACE, self.full[surface]
        # Where salt is out, what still reacts does so at many times the rate: no fault of the kinetics.
        names = [name for name in self.costs if name is not Process.KINETICS or not self.dry[instant]]
        largest = np.argmax(np.stack([self.costs[name] for name in names]), axis=0)
        process = names[largest[instant]]
        if process is salt and self.dry[instant]:
            return process, DRY, self.dry
        return process, LARGEST, largest == largest[instant]

    def cause(self, process: Process, instant: int) -> str:
        """Which electrode or phase is behind a process that does not say so."""
        if process is Process.KINETICS:
            sides = {f"{side} electrode": f"kinetics, {side}" for side in SIDES}
            return max(sides, key=lambda side: float(self.parts[sides[side]][instant]))
        if process is Process.OHMIC:
            phases = {"electrolyte": "electrolyte ohmic", "solids": "solid ohmic"}
            return max(phases, key=lambda phase: float(self.parts[phases[phase]][instant]))
        return ""


def _electrolyte(side: str) -> Process:
    return Process.NEGATIVE_ELECTROLYTE if side == "negative" else Process.POSITIVE_ELECTROLYTE


def _diffusion(side: str) -> Process:
    return Process.NEGATIVE_DIFFUSION if side == "negative" else Process.POSITIVE_DIFFUSION
