"""What a person likely meant: names near in meaning, never by letters alone; values in other units."""

import pytest

from electrograd.physics.cell_tables import WINDOWS
from electrograd.physics.errors import InputError, check_name, nearest_name
from electrograd.physics.slips import meant, unit_meant
from electrograd.physics.variables import AIMS, VARIABLES
from electrograd.study_file import bundled_text, parse_study
from electrograd.study_sections import ScenarioSection, SweepSection

SCENARIO = [field.alias or name for name, field in ScenarioSection.model_fields.items()]
SWEEP = [field.alias or name for name, field in SweepSection.model_fields.items()]
BOTH = "Negative electrode thickness [m] or Positive electrode thickness [m]"


@pytest.mark.parametrize(
    ("valid", "name", "near"),
    [
        (VARIABLES, "Cathode porosity", "Positive electrode porosity"),
        (VARIABLES, "anode_thickness_um", "Negative electrode thickness [m]"),
        (VARIABLES, "Negatve electrode porosty", "Negative electrode porosity"),
        (VARIABLES, "Cathode void fraction", "Positive electrode porosity"),
        (VARIABLES, "cathode particle size", "Positive particle radius [m]"),
        (VARIABLES, "Anode tortuosity", "Negative electrode Bruggeman coefficient (electrolyte)"),
        (VARIABLES, "Electrode thickness [m]", BOTH),
        (VARIABLES, "charging rate", "C-rate"),
        (VARIABLES, "Positive electrode density [kg.m-3]", None),
        (VARIABLES, "Separator porosity", None),
        (VARIABLES, "Negative colour", None),
        (AIMS, "Cost", None),
        (AIMS, "Specific power [W.kg-1]", None),
        (AIMS, "Peak temperature", "Highest temperature over the charge [K]"),
        (AIMS, "gravimetric energy density", "Specific energy [W.h.kg-1]"),
        (AIMS, "Plating margn [mV]", "Plating margin [V]"),
        (WINDOWS, "Zhao2018", None),
        (WINDOWS, "Xu2020", None),
        (WINDOWS, "Chen2002", "Chen2020"),
        (WINDOWS, "LFP", "Prada2013"),
        (SCENARIO, "initial SOC", "start at share"),
        (SCENARIO, "final SOC", None),
        (SCENARIO, "drive cycle", None),
        (SCENARIO, "CCCV", "hold voltage"),
        (SCENARIO, "maximum voltage", "upper voltage cut-off [V]"),
        (SCENARIO, "plating limit", "least negative potential [V]"),
        (SCENARIO, "cut-off current", "hold until C-rate"),
        (SCENARIO, "ambient temperature [degC]", "temperature [K]"),
        (SWEEP, "samples", "designs"),
        (["at least", "at most"], "minimum", "at least"),
        (["slit", "hole"], "slot", "slit"),
    ],
)
def test_the_nearest_name_is_near_in_meaning(valid: list[str], name: str, near: str | None) -> None:
    assert nearest_name(name, valid) == near


@pytest.mark.parametrize("name", VARIABLES)
def test_sides_are_never_exchanged(name: str) -> None:
    """A name with the side in the other's word, and one letter lost, is still of its side."""
    for side, other in (("Negative", "Anode"), ("Positive", "Cathode")):
        if name.startswith(side):
            near = nearest_name(name.replace(side, other).replace("porosity", "porosty"), VARIABLES)
            assert near == name


def test_what_is_not_offered_is_said_and_few_names_are_listed() -> None:
    with pytest.raises(
        InputError, match=r"costs are not offered; received: Cost; nearest valid: one of"
    ):
        check_name("Cost", AIMS, "a limit must be on a figure")
    with pytest.raises(InputError) as caught:
        check_name("Shape of things", VARIABLES, "a variable must be known")
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("value", "name", "low", "high", "expected"),
    [
        (4200, "upper voltage cut-off [V]", 2, 6, 4.2),
        ("4,200", "upper voltage cut-off [V]", 2, 6, 4.2),
        ("4,2 V", "upper voltage cut-off [V]", 2, 6, 4.2),
        (20, "start at share", 0, 0.99, 0.2),
        ("80 %", "start at share", 0, 0.99, 0.8),
        (100, "start at share", 0, 0.99, None),
        (25, "temperature [K]", 233, 353, 298.15),
        ("25 °C", "temperature [K]", 233, 353, 298.15),
        (-1, "C-rate", 0.01, 20, 1.0),
        ("C/5", "C-rate", 0.01, 20, 0.2),
        (100, "C-rate", 0.01, 20, None),
        ("5 um", "Negative particle radius [m]", 1e-8, 1e-4, 5e-6),
        (300, "Negative particle radius [m]", 1e-8, 1e-4, 3e-7),
        ("many", "designs", 32, 1e6, None),
        (2_000_000, "designs", 32, 1e6, None),
        (10**400, "designs", 32, 1e6, None),
        (True, "start at share", 0, 0.99, None),
    ],
)
def test_the_nearest_value_is_one_that_can_be_meant(
    value: object, name: str, low: float, high: float, expected: float | None
) -> None:
    assert meant(value, unit_meant(name), lambda x: low <= x <= high) == expected


TEXT = bundled_text("fast_charge")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("C-rate: 1.0", "C-rate: 1.0\n  hold voltage: yes", "must be true or false, without quotes"),
        (
            "C-rate: 1.0",
            "C-rate: 1.0\n  hold voltage: 4.2",
            "which voltage is 'upper voltage cut-off [V]'",
        ),
        ("C-rate: 1.0", "C-rate: 1.0\n  start at share: 20", "received: 20; nearest valid: 0.2"),
        ("C-rate: 1.0", "C-rate: 1.0\n  start at share: 1", "received: 1; nearest valid: below 1"),
        ("C-rate: 1.0", "C-rate: 1.0\n  initial SOC: 0.2", "nearest valid: start at share"),
        (
            "C-rate: 1.0",
            "C-rate: 1.0\n  drive cycle: a.csv",
            "a drive cycle or a profile is not offered",
        ),
        ("C-rate: 1.0", "C-rate: 1.0\n  later stages: {40: 0.6}", "40 is likely 0.4"),
        ("upper voltage cut-off [V]: 4.2", "upper voltage cut-off [V]: 4200", "nearest valid: 4.2"),
        ("[1.05, 1.30]", "[1.1, 1.1]", "nearest valid: N/P ratio: 1.1, under 'fixed:'"),
        ("[1.05, 1.30]", "1.1", "or N/P ratio: 1.1, under 'fixed:'"),
        ("N/P ratio: [1", "C-rate: [1.0, 1.0]\n  N/P ratio: [1", "the rate in the scenario, 1"),
        ("variables:", "parameters:", "received: parameters; nearest valid: variables"),
        ("cell: Chen2020", "cell: Zhao2018", "received: Zhao2018"),
        ("designs: 256", "designs: 1e3", "received: 1000.0; nearest valid: 1000"),
        (
            "Plating margin [V]: {at least: 0.0}",
            "Highest temperature over the charge [K]: {at most: 318.15}",
            "is isothermal",
        ),
        (
            "Plating margin [V]: {at least: 0.0}",
            "Highest temperature over the charge [K]: {at most: 45}",
            "nearest valid: 318.15",
        ),
    ],
)
def test_slips_in_a_study(right: str, wrong: str, message: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    assert "mine.yaml, line" in str(caught.value)
    assert "Zhao2018; nearest" not in str(caught.value)


@pytest.mark.parametrize("variables", ["variables:", "variables: {}", "variables: []"])
def test_a_study_without_variables_is_told_one(variables: str) -> None:
    text = f"name: a\ncell: Chen2020\n{variables}\nscenario:\n  C-rate: 1.0\n"
    with pytest.raises(InputError, match=r"at least one design variable.*N/P ratio: \[1.05, 1.30\]"):
        parse_study(text)


def test_a_limit_on_temperature_binds_where_the_cell_is_heated() -> None:
    limit = "Highest temperature over the charge [K]: {at most: 318.15}"
    text = TEXT.replace("Plating margin [V]: {at least: 0.0}", limit)
    cooled = "C-rate: 1.0\n  heat transfer coefficient [W.m-2.K-1]: 10.0"
    assert parse_study(text.replace("C-rate: 1.0", cooled, 1)).aims
    further = TEXT.replace(
        "Plating margin [V]: {at least: 0.0}",
        '"Highest temperature over the charge [K] @ warm": {at most: 318.15}',
    )
    further += "\nfurther sweeps: {warm: {scenario: {C-rate: 1.0, COOLED}}}"
    stated = "'heat transfer coefficient [W.m-2.K-1]': 10.0"
    assert parse_study(further.replace("COOLED", stated)).aims
    with pytest.raises(InputError, match="in the scenario of 'warm'"):
        parse_study(further.replace(", COOLED", ""))
