"""Material data that parameter sets lack or have wrong, each number with its source.

Nothing here is computed: the loader of `electrograd.physics.cell_data` reads these tables. Densities in
kg.m-3, everything else in the unit of its name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sourced:
    """A number and where it is from."""

    value: float
    source: str


WINDOWS: dict[str, dict[str, tuple[float, float]]] = {
    "Chen2020": {"negative": (0.03, 0.90), "positive": (0.90, 0.27)},
    "OKane2022": {"negative": (0.031, 0.907), "positive": (0.851, 0.267)},
    "Ecker2015": {"negative": (0.004, 0.848), "positive": (0.929, 0.236)},
    "Ai2020": {"negative": (0.006, 0.848), "positive": (0.965, 0.430)},
    "Mohtat2020": {"negative": (0.002, 0.833), "positive": (0.890, 0.034)},
    "Prada2013": {"negative": (0.018, 0.810), "positive": (0.703, 0.004)},
    "Marquis2019": {"negative": (0.184, 0.949), "positive": (0.961, 0.514)},
    "ORegan2022": {"negative": (0.03, 0.975), "positive": (0.956, 0.27)},
    "Ramadass2004": {"negative": (0.038, 0.869), "positive": (0.880, 0.431)},
    "NCA_Kim2011": {"negative": (0.069, 0.696), "positive": (0.983, 0.344)},
}
"""Usable stoichiometries (cell empty, cell full): material data, the same for every design.

Chen2020's keep within the published balance (0.0279–0.9014 and 0.9084–0.2661, Chen et al., J.
Electrochem. Soc. 167 (2020) 080534). The others were read once from
``pybamm.lithium_ion.get_min_max_stoichiometries`` (PyBaMM 26.10) at each set's own voltage limits,
lithium inventory and baseline geometry, and rounded inwards at the third decimal, the positive one step
further where the N/P ratio would else fall below 1. Such a balance makes the baseline's N/P ratio 1 by
its own meaning: the two windows hold the same charge. ORegan2022 is the exception: its 4.4 V limit
would fill graphite to 0.9997, so the window ends where the set itself starts its discharge (0.976 and
0.270, 4.2 V). Chen2020's baseline has an N/P ratio of 0.92, for its windows are rounded unevenly."""

TRUE_DENSITY: dict[str, Sourced] = {
    "graphite": Sourced(2260.0, "X-ray density: P6_3/mmc, a = 2.464 Å, c = 6.711 Å, 4 C per cell"),
    "lithium titanate": Sourced(3480.0, "X-ray density of Li4Ti5O12: Fd-3m, a = 8.359 Å, Z = 8/3"),
    "LCO": Sourced(5050.0, "X-ray density of LiCoO2: R-3m, a = 2.816 Å, c = 14.05 Å, Z = 3"),
    "NMC532": Sourced(4750.0, "X-ray density: R-3m, a = 2.868 Å, c = 14.23 Å, Z = 3"),
    "NCA": Sourced(4750.0, "X-ray density: R-3m, a = 2.864 Å, c = 14.18 Å, Z = 3"),
    "NCO": Sourced(4940.0, "X-ray density of LiNi0.4Co0.6O2: R-3m, a = 2.84 Å, c = 14.12 Å, Z = 3"),
    "layered oxide": Sourced(4750.0, "NMC and NCA alike"),
    "LFP": Sourced(3600.0, "X-ray density of LiFePO4: Pnma, a, b, c = 10.33, 6.01, 4.69 Å, Z = 4"),
}
"""Densities of the active solids. A coating's dry density is Σ ρ_i ε_i over its solids; what is neither
pores nor active material is `BINDER`."""

BINDER = Sourced(1800.0, "PVDF 1,780 and carbon black about 1,800–1,900 kg/m³ (makers' data sheets)")
POLYOLEFIN = Sourced(940.0, "polyethylene 950, polypropylene 900–910 kg/m³ (makers' data sheets)")
_COPPER = Sourced(8960.0, "CRC Handbook of Chemistry and Physics, copper at 20 °C")
_ALUMINIUM = Sourced(2700.0, "CRC Handbook of Chemistry and Physics, aluminium at 20 °C")

_NEGATIVE, _POSITIVE = "Negative electrode density [kg.m-3]", "Positive electrode density [kg.m-3]"
_SEPARATOR = "Separator density [kg.m-3]"
_FOILS: dict[str, str | Sourced] = {
    "Negative current collector density [kg.m-3]": _COPPER,
    "Positive current collector density [kg.m-3]": _ALUMINIUM,
}
_OREGAN = "the dry layer's density inside PyBaMM's own heat capacity functions of this set"

DENSITIES: dict[str, dict[str, str | Sourced]] = {
    "Ecker2015": {_NEGATIVE: "graphite", _POSITIVE: "NCO", _SEPARATOR: "polyolefin"},
    "Ai2020": {_NEGATIVE: "graphite", _POSITIVE: "LCO", _SEPARATOR: "polyolefin"},
    "Mohtat2020": {_NEGATIVE: "graphite", _POSITIVE: "NMC532"},
    "Prada2013": {_NEGATIVE: "graphite", _POSITIVE: "LFP", _SEPARATOR: "polyolefin", **_FOILS},
    "ORegan2022": {
        _NEGATIVE: Sourced(1740.0, _OREGAN),
        _POSITIVE: Sourced(3270.0, _OREGAN),
        _SEPARATOR: Sourced(946.0, _OREGAN),
    },
    "Ramadass2004": {_NEGATIVE: "graphite", _POSITIVE: "LCO", _SEPARATOR: "polyolefin"},
    "NCA_Kim2011": {_NEGATIVE: "graphite", _POSITIVE: "NCA", _SEPARATOR: "polyolefin", **_FOILS},
}
"""Dry densities that replace a set's own, where those cannot be what DESIGN means by them. A name is a
material of `TRUE_DENSITY` (or the separator's polymer), from which the layer's density follows."""

BPX_FOILS = _FOILS
"""A BPX file has one density for the whole cell and no foils."""

WHY_CORRECTED: dict[str, str] = {
    "Ecker2015": "wet layers of another Kokam cell (Zhao et al. 2018): their heat capacities, 1,437, "
    "1,270 and 1,978 J/kg/K, exceed those of any dry solid of the kind, and the separator's "
    "1,017 kg/m³ would make its polymer 2,067",
    "Ai2020": "one density, 2,470, for both electrodes and the separator: the whole cell's",
    "Mohtat2020": "one density, 3,100, for both electrodes: graphite would be 4,429",
    "Prada2013": "the set has none",
    "ORegan2022": "wet layers, by the set's own docstrings: the separator's polymer would be 2,921",
    "Ramadass2004": "taken from other cells' porosities: graphite would be 3,217, LCO 5,304",
    "NCA_Kim2011": "scaled to match a heat capacity, by its own docstring: graphite would be 3,561",
}

SUPPLEMENT: dict[str, dict[str, Sourced]] = {
    "Prada2013": {
        name: Sourced(1100.0, "Forgez et al., J. Power Sources 195 (2010) 2961: whole A123 26650 cell")
        for name in (
            "Negative electrode specific heat capacity [J.kg-1.K-1]",
            "Positive electrode specific heat capacity [J.kg-1.K-1]",
            "Separator specific heat capacity [J.kg-1.K-1]",
        )
    }
    | {
        "Cell volume [m3]": Sourced(3.451e-5, "a 26650 cylinder, π (13 mm)² 65 mm"),
        "Cell cooling surface area [m2]": Sourced(6.371e-3, "a 26650 cylinder, 2π 13 mm (13 + 65) mm"),
        "Total heat transfer coefficient [W.m-2.K-1]": Sourced(
            18.7,
            "Forgez et al. 2010: 8.4 K/W from the 26650 cell's surface to still air, over that surface",
        ),
    },
    "Ramadass2004": {
        "Cell volume [m3]": Sourced(1.654e-5, "an 18650 cylinder, π (9 mm)² 65 mm"),
        "Cell cooling surface area [m2]": Sourced(4.185e-3, "an 18650 cylinder, 2π 9 mm (9 + 65) mm"),
    },
}
"""What single sets lack."""

_CHEN_FOIL = "measured in Chen2020's cell (Chen et al. 2020), for want of this cell's own"
COMMON: dict[str, Sourced] = {
    "Negative current collector thickness [m]": Sourced(12e-6, _CHEN_FOIL),
    "Positive current collector thickness [m]": Sourced(16e-6, _CHEN_FOIL),
    "Negative current collector specific heat capacity [J.kg-1.K-1]": Sourced(385.0, "CRC Handbook"),
    "Positive current collector specific heat capacity [J.kg-1.K-1]": Sourced(897.0, "CRC Handbook"),
    "Negative current collector conductivity [S.m-1]": Sourced(
        58.411e6, "CRC Handbook, copper at 25 °C"
    ),
    "Positive current collector conductivity [S.m-1]": Sourced(36.914e6, "CRC Handbook, as in Chen2020"),
    **{
        f"{layer} specific heat capacity [J.kg-1.K-1]": Sourced(
            1000.0, "between 913 (BPX's own example of an NMC pouch cell) and 1,100 (Forgez et al. 2010)"
        )
        for layer in ("Negative electrode", "Positive electrode", "Separator")
    },
    "Total heat transfer coefficient [W.m-2.K-1]": Sourced(10.0, "still air, as in Chen2020"),
    "Negative electrode OCP entropic change [V.K-1]": Sourced(0.0, "none given: taken as none"),
    "Positive electrode OCP entropic change [V.K-1]": Sourced(0.0, "none given: taken as none"),
    "Contact resistance [Ohm]": Sourced(0.0, "none given: taken as none"),
    "Reference temperature [K]": Sourced(298.15, "room temperature"),
    "Ambient temperature [K]": Sourced(298.15, "room temperature"),
    "Initial temperature [K]": Sourced(298.15, "room temperature"),
}
"""What any other set or BPX file may lack."""


@dataclass(frozen=True)
class ValidityRange:
    """What a parameter set was compared with measurements for; None where nothing is documented.

    Attributes
    ----------
    charging, discharging
        Fastest rate [1/h].
    lowest, highest
        Temperatures [K].
    source
        Where that is from.
    """

    charging: float | None
    discharging: float | None
    lowest: float | None
    highest: float | None
    source: str


_DATA = "measured curves kept in PyBaMM's data repository"
_ROOM = "its transport data are for room temperature; PyBaMM's docstring names no comparison"
VALIDITY: dict[str, ValidityRange] = {
    "Chen2020": ValidityRange(
        None, 1.5, 298.15, 298.15, "Chen et al., J. Electrochem. Soc. 167 (2020) 080534"
    ),
    "OKane2022": ValidityRange(
        None, 1.5, 298.15, 298.15, "Chen2020's for a new cell; activation energies are of other cells"
    ),
    "Ecker2015": ValidityRange(
        None, 5.0, 296.15, 298.15, f"Ecker et al., J. Electrochem. Soc. 162 (2015) A1849; {_DATA}"
    ),
    "Ai2020": ValidityRange(
        None, 2.0, 298.15, 298.15, f"Ai et al., J. Electrochem. Soc. 167 (2020) 013512; {_DATA}"
    ),
    "Mohtat2020": ValidityRange(None, None, 298.15, 298.15, f"Mohtat et al. 2020: {_ROOM}"),
    "Prada2013": ValidityRange(
        None,
        None,
        298.0,
        298.15,
        "PyBaMM's set joins Prada's cell, Chen2020's graphite and others' kinetics",
    ),
    "Marquis2019": ValidityRange(None, None, 298.15, 298.15, f"Marquis et al. 2019: {_ROOM}"),
    "ORegan2022": ValidityRange(
        None, None, None, None, "O'Regan et al., Electrochim. Acta 425 (2022) 140700"
    ),
    "Ramadass2004": ValidityRange(
        None, None, 298.15, 298.15, "PyBaMM's docstring: 'a bit of a Frankenstein'"
    ),
    "NCA_Kim2011": ValidityRange(
        None, None, None, None, "Kim et al. 2011: a nominal design, not a measured cell"
    ),
}
