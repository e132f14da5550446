"""The names this framework speaks: design variables, operating conditions and figures of merit.

Names are PyBaMM's own, with the unit in brackets. A design variable carries the range in which a
value can be meant at all; a value outside it is a slip of units or of the decimal point.
"""

from dataclasses import dataclass

from electrograd.physics.errors import InputError
from electrograd.physics.slips import meant, unit_meant

N_P_RATIO = "N/P ratio"
NEGATIVE_THICKNESS = "Negative electrode thickness [m]"
POSITIVE_THICKNESS = "Positive electrode thickness [m]"
NEGATIVE_POROSITY = "Negative electrode porosity"
POSITIVE_POROSITY = "Positive electrode porosity"
NEGATIVE_ACTIVE = "Negative electrode active material volume fraction"
POSITIVE_ACTIVE = "Positive electrode active material volume fraction"
NEGATIVE_SHARE = "Negative electrode active share of solids"
POSITIVE_SHARE = "Positive electrode active share of solids"
C_RATE = "C-rate"
CHANNEL_SHAPE = "Channel shape"
CHANNEL_MASS = "Channel mass"

SIDES = ("negative", "positive")
FACTORS = {
    "Negative particle diffusivity factor": "Negative particle diffusivity [m2.s-1]",
    "Positive particle diffusivity factor": "Positive particle diffusivity [m2.s-1]",
    "Negative electrode exchange-current density factor": (
        "Negative electrode exchange-current density [A.m-2]"
    ),
    "Positive electrode exchange-current density factor": (
        "Positive electrode exchange-current density [A.m-2]"
    ),
    "Electrolyte diffusivity factor": "Electrolyte diffusivity [m2.s-1]",
    "Electrolyte conductivity factor": "Electrolyte conductivity [S.m-1]",
}
"""Numbers that multiply a property of the parameter set, whatever function that is; by factor, the
property's name in PyBaMM."""
MOST = 8
"""The most layers or knots of a porosity profile, and the most stages of a charge."""


def stage_rate(stage: int) -> str:
    """Name of the C-rate of a stage of the charge, counted from 1; the first is the C-rate itself."""
    return C_RATE if stage == 1 else f"{C_RATE} of stage {stage}"


def layer_porosity(side: str, layer: int) -> str:
    """Name of the porosity of a layer, counted from the separator, from 1."""
    return f"{side.capitalize()} electrode porosity of layer {layer}"


def layer_share(side: str, layer: int) -> str:
    """Name of a layer's share of the electrode's thickness; the last layer takes what is left."""
    return f"{side.capitalize()} electrode thickness share of layer {layer}"


def knot_porosity(side: str, knot: int) -> str:
    """Name of the porosity at a knot; knots are evenly spaced, the first at the separator."""
    return f"{side.capitalize()} electrode porosity at knot {knot}"


def channel_pitch(side: str) -> str:
    """Name of the distance between the centres of neighbouring channels."""
    return f"{side.capitalize()} channel pitch [m]"


def channel_width(side: str) -> str:
    """Name of the channel's width at the separator over the pitch."""
    return f"{side.capitalize()} channel width over pitch"


def channel_taper(side: str) -> str:
    """Name of the channel's width at its depth over its width at the separator."""
    return f"{side.capitalize()} channel taper"


def channel_depth(side: str) -> str:
    """Name of the channel's depth over the electrode's thickness."""
    return f"{side.capitalize()} channel depth over thickness"


def channel_width_length(side: str) -> str:
    """Name of the channel's width at the separator as a length: its share of the pitch, times that."""
    return f"{side.capitalize()} channel width [m]"


def porosity(side: str) -> str:
    """Name of the coating's mean porosity, channels not counted."""
    return f"{side.capitalize()} electrode porosity"


def shift(side: str) -> str:
    """Name of what is added to a graded profile so that its mean is the stated one."""
    return f"{side.capitalize()} electrode porosity shift"


def densification(side: str) -> str:
    """Name of the factor by which channels of conserved mass raise the matrix's solids."""
    return f"{side.capitalize()} electrode solids densification"


def coating_mean(side: str) -> str:
    """Name of the coating's mean porosity in a complete set, where ``porosity`` counts the channels."""
    return f"{side.capitalize()} coating porosity"


CHANNEL_NAMES = (channel_pitch, channel_width, channel_taper, channel_depth)


def unit_of(name: str) -> str:
    """The unit in brackets at the end of a name; empty for pure numbers."""
    return name.rpartition("[")[2].rstrip("]") if name.endswith("]") else ""


@dataclass(frozen=True)
class DesignVariable:
    """A quantity that can be built, or an operating condition that can be chosen.

    Attributes
    ----------
    name
        PyBaMM's name with its unit in brackets ("N/P ratio" is ours).
    lower, upper
        The range in which a value is plausible, in the unit of the name.
    symbol
        Short label for figures.
    display_unit, display_scale
        Unit for people and the factor into it ("µm", 1e6).
    """

    name: str
    lower: float
    upper: float
    symbol: str
    display_unit: str = ""
    display_scale: float = 1.0

    def check(self, value: float) -> None:
        """Refuse a value that nobody can mean.

        Raises
        ------
        InputError
            If it lies outside the plausible range, or is not a number.
        """
        rounding = 1e-9  # a share of 1 may come out of a division a little larger
        if not self.lower * (1 - rounding) <= value <= self.upper * (1 + rounding):
            clipped = self.lower if value != value else min(max(value, self.lower), self.upper)
            likely = meant(value, unit_meant(self.name), lambda x: self.lower <= x <= self.upper)
            nearest = clipped if likely is None else likely
            raise InputError(
                f"{self.name!r} must lie within [{self.lower:g}, {self.upper:g}]", value, f"{nearest:g}"
            )

    @property
    def unit(self) -> str:
        """The SI unit in the brackets of the name; empty for pure numbers."""
        return unit_of(self.name)

    @property
    def label(self) -> str:
        """The name with the unit for people, for a table or an axis."""
        plain = self.name.partition(" [")[0]
        return f"{plain} [{self.display_unit}]" if self.display_unit else plain


DESIGN_VARIABLES: dict[str, DesignVariable] = {
    variable.name: variable
    for variable in (
        DesignVariable(N_P_RATIO, 0.5, 3.0, "N/P"),
        DesignVariable(NEGATIVE_THICKNESS, 5e-6, 1e-3, "L_neg", "µm", 1e6),
        DesignVariable(POSITIVE_THICKNESS, 5e-6, 1e-3, "L_pos", "µm", 1e6),
        DesignVariable(NEGATIVE_POROSITY, 0.05, 0.9, "ε_neg"),
        DesignVariable(POSITIVE_POROSITY, 0.05, 0.9, "ε_pos"),
        DesignVariable("Negative electrode Bruggeman coefficient (electrolyte)", 0.5, 4.0, "β_neg"),
        DesignVariable("Positive electrode Bruggeman coefficient (electrolyte)", 0.5, 4.0, "β_pos"),
        DesignVariable("Negative particle radius [m]", 1e-8, 1e-4, "R_neg", "µm", 1e6),
        DesignVariable("Positive particle radius [m]", 1e-8, 1e-4, "R_pos", "µm", 1e6),
    )
}
"""What every electrode has, whatever its structure: a parameter set holds a value of each."""


def _structured(side: str) -> list[DesignVariable]:
    short = side[:3]
    return [
        *(DesignVariable(layer_porosity(side, k), 0.05, 0.9, f"ε_{short},{k}") for k in _COUNT),
        *(DesignVariable(layer_share(side, k), 1e-3, 0.999, f"l_{short},{k}") for k in _COUNT[:-1]),
        *(DesignVariable(knot_porosity(side, k), 0.05, 0.9, f"ε_{short}({k})") for k in _COUNT),
        DesignVariable(channel_pitch(side), 1e-6, 2e-3, f"p_{short}", "µm", 1e6),
        DesignVariable(channel_width(side), 0.0, 0.95, f"w_{short}/p"),
        DesignVariable(channel_taper(side), 0.0, 2.0, f"t_{short}"),
        DesignVariable(channel_depth(side), 0.01, 1.0, f"d_{short}/L"),
    ]


_COUNT = range(1, MOST + 1)
_SCALED = ("D_neg", "D_pos", "j_neg", "j_pos", "D_e", "κ_e")

VARIABLES: dict[str, DesignVariable] = {
    **DESIGN_VARIABLES,
    **{variable.name: variable for side in SIDES for variable in _structured(side)},
    NEGATIVE_SHARE: DesignVariable(NEGATIVE_SHARE, 0.3, 1.0, "s_neg"),
    POSITIVE_SHARE: DesignVariable(POSITIVE_SHARE, 0.3, 1.0, "s_pos"),
    **{stage_rate(k): DesignVariable(stage_rate(k), 0.01, 20.0, f"C_{k}", "1/h") for k in _COUNT},
    **{
        name: DesignVariable(name, 0.01, 100.0, f"×{s}")
        for name, s in zip(FACTORS, _SCALED, strict=True)
    },
}
"""Everything that a study can vary or set: uniform electrodes, structure, rates, factors."""

ACCEPTED_CAPACITY = "Accepted capacity [A.h.m-2]"
ACCEPTED_SHARE = "Accepted share of nominal capacity"
PLATING_MARGIN = "Plating margin [V]"
NOMINAL_CAPACITY = "Nominal areal capacity [A.h.m-2]"
THEORETICAL_SPECIFIC_ENERGY = "Theoretical specific energy [W.h.kg-1]"
THEORETICAL_ENERGY_DENSITY = "Theoretical energy density [W.h.L-1]"
SPECIFIC_ENERGY = "Specific energy [W.h.kg-1]"
ENERGY_DENSITY = "Energy density [W.h.L-1]"
CHARGE_TIME = "Charge time to 80 % [s]"
CHARGING_ENERGY = "Charging energy [W.h.m-2]"
PLATING_ONSET = "Share of nominal capacity at which plating begins"
HOTTEST = "Highest temperature over the charge [K]"
USABLE_RATIO = "N/P ratio, channels counted"
LEAST_ELECTROLYTE = "Minimum electrolyte concentration over the charge [mol.m-3]"

FIGURES_OF_MERIT: dict[str, str] = {
    NOMINAL_CAPACITY: "usable capacity of the smaller electrode per area",
    ACCEPTED_CAPACITY: "charge taken up to the end of the charge, from empty",
    ACCEPTED_SHARE: "accepted over nominal capacity",
    PLATING_MARGIN: "least negative electrode potential at the separator over the charge",
    CHARGING_ENERGY: "terminal voltage over the charge that is taken up",
    THEORETICAL_SPECIFIC_ENERGY: "open-circuit voltage over the window per stack mass",
    THEORETICAL_ENERGY_DENSITY: "open-circuit voltage over the window per stack volume",
}
"""The figures of merit that can be aimed at: finite for every design; definitions in a line."""

DIRECT: dict[str, str] = {
    CHARGE_TIME: "from empty, in one charge; infinite where it is not reached",
    SPECIFIC_ENERGY: "energy of a discharge, C/3 if not stated, at 25 °C per stack mass",
    ENERGY_DENSITY: "energy of a discharge, C/3 if not stated, at 25 °C per stack volume",
    HOTTEST: "volume average; the scenario's temperature where that is held",
    LEAST_ELECTROLYTE: "least concentration of salt anywhere in the pores, over the charge",
    USABLE_RATIO: "usable negative over usable positive capacity, less what channels take",
}
"""Further ones that can be aimed at where figures are learned directly, not from curves."""

OF_CHARGE = (
    ACCEPTED_CAPACITY,
    ACCEPTED_SHARE,
    PLATING_MARGIN,
    CHARGE_TIME,
    LEAST_ELECTROLYTE,
    HOTTEST,
)
"""Those that differ from scenario to scenario, where figures are learned directly."""

_IN = " @ "


def in_scenario(figure: str, scenario: str) -> str:
    """Name of a figure of merit in one of a study's further scenarios; its own in the main one, ""."""
    return f"{figure}{_IN}{scenario}" if scenario else figure


def figure_and_scenario(name: str) -> tuple[str, str]:
    """Undo `in_scenario`."""
    figure, _, scenario = name.partition(_IN)
    return figure, scenario


PREDICTED: dict[str, str] = {
    **FIGURES_OF_MERIT,
    CHARGE_TIME: DIRECT[CHARGE_TIME],
    PLATING_ONSET: "where the negative electrode's potential at the separator first falls below zero; "
    "infinite where it never does",
    HOTTEST: DIRECT[HOTTEST],
}
"""Every figure of merit that is predicted from curves."""
AIMS = {**FIGURES_OF_MERIT, **DIRECT}
"""Every figure of merit that can be aimed at."""
