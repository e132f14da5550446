"""The names this framework speaks: design variables and figures of merit.

Names are PyBaMM's own, with the unit in brackets. A design variable carries the range in which a
value can be meant at all; a value outside it is a slip of units or of the decimal point.
"""

from dataclasses import dataclass

N_P_RATIO = "N/P ratio"
NEGATIVE_THICKNESS = "Negative electrode thickness [m]"
POSITIVE_THICKNESS = "Positive electrode thickness [m]"
NEGATIVE_POROSITY = "Negative electrode porosity"
POSITIVE_POROSITY = "Positive electrode porosity"
NEGATIVE_ACTIVE = "Negative electrode active material volume fraction"
POSITIVE_ACTIVE = "Positive electrode active material volume fraction"


def unit_of(name: str) -> str:
    """The unit in brackets at the end of a name; empty for pure numbers."""
    return name.rpartition("[")[2].rstrip("]") if name.endswith("]") else ""


@dataclass(frozen=True)
class DesignVariable:
    """A quantity that can be built.

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

ACCEPTED_CAPACITY = "Accepted capacity [A.h.m-2]"
ACCEPTED_SHARE = "Accepted share of nominal capacity"
PLATING_MARGIN = "Plating margin [V]"
NOMINAL_CAPACITY = "Nominal areal capacity [A.h.m-2]"
THEORETICAL_SPECIFIC_ENERGY = "Theoretical specific energy [W.h.kg-1]"
THEORETICAL_ENERGY_DENSITY = "Theoretical energy density [W.h.L-1]"
SPECIFIC_ENERGY = "Specific energy [W.h.kg-1]"
LEAST_ELECTROLYTE = "Minimum electrolyte concentration over the charge [mol.m-3]"

FIGURES_OF_MERIT: dict[str, str] = {
    NOMINAL_CAPACITY: "usable capacity of the smaller electrode per area",
    ACCEPTED_CAPACITY: "charge taken up to the end of the charge, from empty",
    ACCEPTED_SHARE: "accepted over nominal capacity",
    PLATING_MARGIN: "least negative electrode potential at the separator over the charge",
    THEORETICAL_SPECIFIC_ENERGY: "open-circuit voltage over the window per stack mass",
    THEORETICAL_ENERGY_DENSITY: "open-circuit voltage over the window per stack volume",
}
"""The figures of merit a surrogate predicts, with their definitions in a line."""
