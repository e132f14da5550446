"""A cell's materials and baseline geometry, and the map from a design to a P2D parameter set."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from electrograd.physics.electrode import FARADAY as FARADAY
from electrograd.physics.electrode import Electrode as Electrode
from electrograd.physics.electrode import Scalar as Scalar
from electrograd.physics.errors import InputError, check_name
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    C_RATE,
    DESIGN_VARIABLES,
    FACTORS,
    N_P_RATIO,
    NEGATIVE_ACTIVE,
    NEGATIVE_POROSITY,
    NEGATIVE_SHARE,
    NEGATIVE_THICKNESS,
    POSITIVE_ACTIVE,
    POSITIVE_POROSITY,
    POSITIVE_SHARE,
    POSITIVE_THICKNESS,
    SIDES,
    VARIABLES,
    coating_mean,
    porosity,
)

Value = TypeVar("Value", float, jax.Array, np.ndarray)

ELECTROLYTE_DENSITY = 1200.0
"""Density of 1 M LiPF6 in carbonate solvents [kg.m-3]; PyBaMM's sets hold none."""


_SHARES = {"negative": NEGATIVE_SHARE, "positive": POSITIVE_SHARE}
_ACTIVE = "electrode active material volume fraction"


@dataclass(frozen=True)
class Cell:
    """What does not change with the design; plain numbers, so that it travels as JSON.

    Lengths in m, densities in kg.m-3, voltages in V. ``source`` is PyBaMM's name of the parameter set,
    or the path of a file (BPX, or a parameter set as JSON); ``overrides`` replaces values of it.
    ``baseline`` holds the set's own values of the parameters that a design can vary, under PyBaMM's
    names; ``fixed`` what every design has in common, ``tied`` what is as another, ``factors`` which of
    `variables.FACTORS` designs have; ``digest`` tells one content of a file from another.
    """

    source: str
    structure: Structure
    negative: Electrode
    positive: Electrode
    separator_thickness: float
    separator_porosity: float
    separator_density: float
    negative_collector_thickness: float
    negative_collector_density: float
    positive_collector_thickness: float
    positive_collector_density: float
    electrode_area: float
    lower_voltage: float
    upper_voltage: float
    baseline: dict[str, float] = field(hash=False)
    overrides: dict[str, float] = field(hash=False, default_factory=dict)
    fixed: dict[str, float] = field(hash=False, default_factory=dict)
    tied: dict[str, str] = field(hash=False, default_factory=dict)
    factors: tuple[str, ...] = ()
    digest: str = ""

    @property
    def name(self) -> str:
        """The parameter set's name, or the file's."""
        return Path(self.source).name

    @classmethod
    def load(
        cls,
        source: str | Path,
        structure: Structure | None = None,
        overrides: Mapping[str, float] | None = None,
    ) -> "Cell":
        """Read a cell from a PyBaMM parameter set, or a file.

        Parameters
        ----------
        source
            PyBaMM's name of a lithium-ion set with two porous electrodes, or the path of a JSON
            file: BPX, or a PyBaMM parameter set as `to_json` writes it.
        structure
            How the electrodes are built; uniform by default.
        overrides
            Values that replace the set's, by PyBaMM's names.

        Raises
        ------
        InputError
            For an unknown set, a set without two porous electrodes, or a damaged file.
        """
        from electrograd.physics.cell_data import digest, load_parameter_values, solids_density, whole
        from electrograd.physics.windows import potential_range, stoichiometry_windows

        source, overrides = str(source), dict(overrides or {})
        values = load_parameter_values(source, overrides)
        windows = stoichiometry_windows(source, values)

        def electrode(side: str) -> Electrode:
            title = side.capitalize()
            empty, full = windows[side]
            lowest, highest = potential_range(values, side)
            active = float(values[f"{title} electrode active material volume fraction"])
            return Electrode(
                maximum_concentration=float(
                    values[f"Maximum concentration in {side} electrode [mol.m-3]"]
                ),
                empty=empty,
                full=full,
                active_share=whole(active / (1 - float(values[f"{title} electrode porosity"]))),
                solids_density=solids_density(values, side),
                lowest=lowest,
                highest=highest,
            )

        return cls(
            source=source,
            structure=structure or Structure(),
            negative=electrode("negative"),
            positive=electrode("positive"),
            separator_thickness=float(values["Separator thickness [m]"]),
            separator_porosity=float(values["Separator porosity"]),
            separator_density=float(values["Separator density [kg.m-3]"]),
            negative_collector_thickness=float(values["Negative current collector thickness [m]"]),
            negative_collector_density=float(values["Negative current collector density [kg.m-3]"]),
            positive_collector_thickness=float(values["Positive current collector thickness [m]"]),
            positive_collector_density=float(values["Positive current collector density [kg.m-3]"]),
            electrode_area=float(
                values["Electrode height [m]"]
                * values["Electrode width [m]"]
                * values["Number of electrodes connected in parallel to make a cell"]
            ),
            lower_voltage=float(values["Lower voltage cut-off [V]"]),
            upper_voltage=float(values["Upper voltage cut-off [V]"]),
            baseline={k: float(values[k]) for k in DESIGN_VARIABLES if k != N_P_RATIO},
            overrides=overrides,
            digest=digest(Path(source)),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Cell":
        """Rebuild a cell from `to_dict`."""
        plain = dict(data)
        for side in ("negative", "positive"):
            plain[side] = Electrode(**plain[side])
        plain["structure"] = Structure.from_dict(plain["structure"])
        plain["factors"] = tuple(plain.get("factors", ()))
        return cls(**plain)

    @property
    def published(self) -> dict[str, float]:
        """The parameter set's own electrodes as a design: uniform, whatever designs have in common."""
        built: dict[str, float] = {}
        for electrode in self.structure:
            built |= electrode.defaults(self.baseline[porosity(electrode.side)])
        shares = {NEGATIVE_SHARE: self.negative.active_share, POSITIVE_SHARE: self.positive.active_share}
        return {**built, **self.baseline, **shares, **dict.fromkeys(self.factors, 1.0)}

    def with_fixed(self, fixed: Mapping[str, float | str]) -> "Cell":
        """Return the cell with values that every design shares, by names of `VARIABLES`.

        A value that is a name of another ties the two: both are always alike.
        """
        for name in fixed:
            check_name(name, VARIABLES, "a fixed value must be of a known variable")
            if name.startswith(C_RATE):
                raise InputError("a rate that all designs share belongs in the scenario", name)
        values = {name: value for name, value in fixed.items() if not isinstance(value, str)}
        ties = {name: value for name, value in fixed.items() if isinstance(value, str)}
        return dataclasses.replace(self, fixed=values, tied=ties)

    def with_factors(self, names: Iterable[str]) -> "Cell":
        """Return the cell whose designs have those of `variables.FACTORS` that are among the names."""
        known = tuple(name for name in FACTORS if name in set(names))
        return dataclasses.replace(self, factors=known)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain numbers for JSON; ties and factors only where it has some."""
        plain = {**dataclasses.asdict(self), "factors": list(self.factors)}
        return {key: value for key, value in plain.items() if value or key not in ("tied", "factors")}

    def parameters(self, design: Mapping[str, Value]) -> dict[str, Value]:
        """Complete a design to every P2D parameter that a design can vary.

        What ``design`` leaves out is the baseline's. Active fractions follow from the closure
        ε_active = share (1 - ε); the negative thickness follows from the N/P ratio where that is given:
        the coatings' ratio, before channels of ablated mass are cut. ``design`` states the coatings'
        porosities; in what is returned the electrodes' porosities count the channels. Works on floats,
        NumPy and JAX arrays alike.

        Parameters
        ----------
        design
            Values by name of `VARIABLES`, in SI units. Rates are handed through.

        Returns
        -------
        dict
            Values under PyBaMM's names, active material volume fractions included.

        Raises
        ------
        InputError
            For an unknown name, one that the cell's structure or factors do not have, or the N/P ratio
            together with the negative thickness.
        """
        for name in design:
            check_name(name, VARIABLES, "a design may hold only known design variables")
            if "layer" in name or "knot" in name or "channel" in name:
                _check_structure(name, self.structure)
            if name in FACTORS and name not in self.factors:
                raise InputError(
                    "a design may hold a factor only where its cell was loaded with it",
                    name,
                    f"Cell.load(source).with_factors([{name!r}])",
                )
        if N_P_RATIO in design and NEGATIVE_THICKNESS in design:
            raise InputError(
                f"a design sets either {N_P_RATIO!r} or {NEGATIVE_THICKNESS!r}, for one fixes the other",
                "both",
                N_P_RATIO,
            )
        untouched = dict.fromkeys(self.factors, 1.0)
        values: dict[str, Any] = {**self.baseline, **untouched, **self.fixed, **design}
        alike: dict[str, str] = {name: other for name, other in self.tied.items() if name not in design}
        values |= {name: values[other] for name, other in alike.items() if other in values}
        if NEGATIVE_THICKNESS in design:  # it takes the place of a fixed ratio
            values.pop(N_P_RATIO, None)
        for electrode in self.structure:
            stated = {*design, *self.fixed, *alike}
            values.update(electrode.complete(values, porosity(electrode.side) in stated))
        shares = {side: self._active_share(side, values) for side in SIDES}
        values[NEGATIVE_ACTIVE] = shares["negative"] * (1 - values[NEGATIVE_POROSITY])
        values[POSITIVE_ACTIVE] = shares["positive"] * (1 - values[POSITIVE_POROSITY])
        if N_P_RATIO in values:
            negative, positive = self.coating_capacities(values, 1.0)
            values[NEGATIVE_THICKNESS] = values.pop(N_P_RATIO) * positive / negative
        return values

    def _active_share(self, side: str, values: Mapping[str, Any]) -> Any:
        """Active material's share of the solids: the design's, or the cell's own."""
        own: Electrode = getattr(self, side)
        return values.get(_SHARES[side], own.active_share)

    def coating_capacities(self, values: Mapping[str, Any], negative_thickness: Any) -> tuple[Any, Any]:
        """Usable areal capacities (negative, positive) before channels are cut [A.h.m-2]."""
        active = {
            side: self._active_share(side, values) * (1 - values[coating_mean(side)]) for side in SIDES
        }
        return (
            self.negative.usable_capacity(negative_thickness, active["negative"]),
            self.positive.usable_capacity(values[POSITIVE_THICKNESS], active["positive"]),
        )

    def check(self, design: Mapping[str, float]) -> None:
        """Refuse a design that cannot be built.

        Raises
        ------
        InputError
            For a value outside its plausible range, fractions that cannot close, a layer without
            thickness, a channel wider than its pitch or deeper than its electrode.
        """
        parameters = {name: float(value) for name, value in self.parameters(dict(design)).items()}
        # What the structure says of a value is clearer than its plausible range.
        for electrode in self.structure:
            electrode.check(parameters)
        for name, value in {**design, NEGATIVE_THICKNESS: parameters[NEGATIVE_THICKNESS]}.items():
            VARIABLES[name].check(float(value))
        self.check_parameters(parameters)

    def check_parameters(self, parameters: Mapping[str, Scalar]) -> None:
        """Refuse a complete set that cannot be built; raises as `check` does, but for the ranges."""
        known = {name: float(value) for name, value in parameters.items()}
        for electrode in self.structure:
            electrode.check(known)
            title = electrode.side.capitalize()
            pores, active = known[porosity(electrode.side)], known[f"{title} {_ACTIVE}"]
            if not 0 < pores < 1:
                raise InputError(f"{porosity(electrode.side)!r} must lie inside (0, 1)", pores)
            if not 0 < active <= 1 - pores + 1e-9:
                raise InputError(
                    f"pores and active material of the {electrode.side} electrode must close to 1",
                    f"{pores:.4g} and {active:.4g}",
                    f"active material of at most {1 - pores:.4g}",
                )
            for length in (f"{title} electrode thickness [m]", f"{title} particle radius [m]"):
                if not known[length] > 0:
                    raise InputError(f"{length!r} must be positive", known[length])

    def design_values(self, parameters: Mapping[str, Value]) -> dict[str, Any]:
        """Return every design variable's value, the N/P ratio too, of a complete parameter set."""
        negative, positive = self.coating_capacities(parameters, parameters[NEGATIVE_THICKNESS])
        coatings = {porosity(side): parameters[coating_mean(side)] for side in SIDES}
        plain = {name: parameters[name] for name in DESIGN_VARIABLES if name != N_P_RATIO}
        built = {name: parameters[name] for name in self.structure.variables}
        shares = {name: self._active_share(side, parameters) for side, name in _SHARES.items()}
        rates = {name: value for name, value in parameters.items() if name.startswith(C_RATE)}
        factors = {name: parameters[name] for name in self.factors}
        return {
            N_P_RATIO: negative / positive,
            **plain,
            **coatings,
            **built,
            **shares,
            **rates,
            **factors,
        }


def _check_structure(name: str, structure: Structure) -> None:
    if structure.plain:
        raise InputError(
            "a design must be of the cell's structure, and the cell was loaded without one",
            name,
            "Cell.load(source, Structure.of(design))",
        )
    check_name(name, structure.variables, "a design must be of the cell's structure")
