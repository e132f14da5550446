"""Every mistake in a study file is met with file, line, rule, value and the nearest valid one."""

from pathlib import Path

import pytest
from conftest import ROOT

import electrograd as eg
from electrograd.physics.errors import InputError
from electrograd.physics.scenario import SolverSettings
from electrograd.physics.variables import C_RATE, CHARGE_TIME, N_P_RATIO, POSITIVE_THICKNESS, stage_rate
from electrograd.study_file import bundled_text, parse_study

TEXT = bundled_text("fast_charge")


def line_of(part: str, text: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("cell: Chen2020", "cell: Chen2002", "received: Chen2002; nearest valid: Chen2020"),
        ("designs: 256", "desings: 256", "known ones; received: desings; nearest valid: designs"),
        ("designs: 256", "designs: 25.5", "valid integer; received: 25.5"),
        ("designs: 256", "designs: 8", "received: 8; nearest valid: 32"),
        ("thickness [m]: [40.0e-6", "thickness [um]: [40.0e-6", "electrode thickness [m]"),
        ("[40.0e-6, 100.0e-6]", "[40, 100]", "received: [40, 100]; nearest valid: [4e-05, 0.0001]"),
        ("[0.20, 0.50]", "[0.5, 0.2]", "nearest valid: [0.2, 0.5]"),
        ("[1.05, 1.30]", "[1.05, 1.30, 2]", "at most 2 items"),
        ("C-rate: 1.0", "C-rate: -1", "'C-rate' must be greater than or equal to 0.01"),
        ("C-rate: 1.0", "C-rate: fast", "valid number; received: fast"),
        ("C-rate: 1.0", "C-rate: true", "valid number; received: True"),
        ("{at least: 0.72}", "{at leest: 0.72}", "received: at leest; nearest valid: at least"),
        ("{at least: 0.72}", "{at least: .nan}", "finite number; received: nan"),
        (
            "{at least: 0.72}",
            "{at least: 72}",
            "must lie in [0, 1.1]; received: 72.0; nearest valid: 0.72",
        ),
        ("margin [V]: {at least: 0.0}", "margin [V]: {at least: 5}", "nearest valid: 0.005"),
        ("{at least: 0.72}", "{}", "'at least' or 'at most'"),
        ("{at least: 0.72}", "0.72", "must be a mapping of keys to values; received: 0.72"),
        ("Plating margin [V]:", "Plating margn [mV]:", "nearest valid: Plating margin [V]"),
        ("maximise: Theo", "maximise: Theor", "nearest valid: Theoretical specific energy"),
        ("samples: 1024", "samples: 1000", "power of two; received: 1000; nearest valid: 1024"),
        ("name: fast_charge", "name: ../evil", "nearest valid: evil"),
        ("temperature [K]: 298.15", "temperature [K]: 25", "received: 25; nearest valid: 298.15"),
        ("upper voltage cut-off [V]: 4.2", "upper voltage cut-off [V]: 2.2", "must lie above the lower"),
    ],
)
def test_mistakes_are_named_with_their_line(right: str, wrong: str, message: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    if "must lie above" not in message:  # that rule stands on two keys, one of them left out
        assert f"mine.yaml, line {line_of(wrong, text)}:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a mapping of keys to values; received: NoneType"),
        ("- 1", "must be a mapping of keys to values; received: list"),
        ("name: [", "line 1: a study file must be valid YAML"),
        ("goal:\n\tx: 1", "line 2: a study file must be valid YAML"),
        ("name: a\nname: b", "duplicate key"),
        ("name: a\x07", "must be valid YAML"),
        ("name: a", "the key 'cell' is required"),
    ],
)
def test_files_that_are_no_study(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)


def test_yaml_tags_run_nothing() -> None:
    with pytest.raises(InputError, match="valid YAML"):
        parse_study("name: !!python/object/apply:os.system ['true']")


def test_both_thickness_and_ratio_are_refused() -> None:
    extra = "variables:\n  Negative electrode thickness [m]: [50.0e-6, 90.0e-6]"
    with pytest.raises(InputError, match="one fixes the other"):
        parse_study(TEXT.replace("variables:", extra, 1))


def test_sources(tmp_path: Path) -> None:
    assert eg.load_study("fast_charge") == eg.load_study(ROOT / "studies" / "fast_charge.yaml")
    with pytest.raises(InputError, match="nearest valid: fast_charge"):
        eg.load_study("fast_charg")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        eg.load_study(tmp_path / "binary.yaml")


def test_names_of_the_package() -> None:
    for name in eg.__all__:
        assert getattr(eg, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = eg.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("variables:", "fixed: {C-rate: 2.0}\nvariables:", "belongs in the scenario"),
        ("sweep:", "front: {points: 3}\nsweep:", "it must name one figure of merit, to 'maximise' or"),
        ("sweep:", "front: {maximise: Energy}\nsweep:", "goal must be a predicted figure of merit"),
        (
            "sweep:",
            "front: {minimise: 'Theoretical specific energy [W.h.kg-1]'}\nsweep:",
            "a front needs a second figure beside the goal's",
        ),
        (
            "sweep:",
            "front: {minimise: 'Plating margin [V]', between: [2, 1]}\nsweep:",
            "'between' must be [lower, upper]",
        ),
        (
            "Plating margin [V]: {at",
            "Plating margin [V] @ cold: {at",
            "further sweeps that state a scenario",
        ),
        (
            "  limits:\n",
            "  limits:\n    Specific energy [W.h.kg-1]: {at least: 9}\n"
            "    Charging energy [W.h.m-2]: {at least: 9}\n",
            "a figure that is learned directly must be one of",
        ),
        (
            "  limits:\n",
            "  limits:\n    Specific energy [W.h.kg-1] @ cold: {at least: 9}\n",
            "further sweeps that state a scenario",
        ),
        (
            "Accepted share of nominal capacity: {at least: 0.72}",
            "Charge time to 80 % [s]: {at most: 10}",
            "received: 10.0; nearest valid: 600",
        ),
        ("sweep:", "tolerances: {percentile: 60}\nsweep:", "less than 50"),
        (
            "sweep:",
            "tolerances: {standard deviations: {N/P: 0.1}}\nsweep:",
            "a variable of the study; received: N/P; nearest valid: N/P ratio",
        ),
        ("variables:", "fixed: {N/P ratio: 1.1}\nvariables:", "fixed or varied, not both"),
        ("variables:", "channels: {shape: hole}\nvariables:", "they name none"),
        ("variables:", "overrides: {Separator porosit: 0.4}\nvariables:", "Separator porosity"),
        ("  N/P ratio:", "  C-rate of stage 2: [0.2, 0.5]\n  N/P ratio:", "nearest valid: C-rate"),
        (
            "  N/P ratio:",
            "  Negative channel pitch [m]: [2e-5, 1e-4]\n  N/P ratio:",
            "pitch and its width",
        ),
        ("  N/P ratio:", "  Negative electrode porosity of layer 2: [0.2, 0.4]\n  N/P ratio:", "from 1"),
        ("cell: Chen2020", "cell: no_such_file.json", "no_such_file.json"),
        ("cell: Chen2020", "cell: OKane2022_graphite_SiOx_halfcell", "half-cell"),
    ],
)
def test_mistakes_about_structure_are_named(right: str, wrong: str, message: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(InputError) as caught:
        parse_study(text, "mine.yaml")
    assert message in str(caught.value)
    assert "mine.yaml, line" in str(caught.value)


def test_what_is_learned_follows_from_the_study() -> None:
    assert not eg.load_study("fast_charge").learns_figures
    assert not eg.load_study("R1").learns_figures
    for name in ("xfc", "xfc_channels", "graded", "robust"):
        study = eg.load_study(name)
        assert study.learns_figures
        assert CHARGE_TIME in study.sweep_of().extras
    time = TEXT.replace("Plating margin [V]: {at least: 0.0}", "Charge time to 80 % [s]: {at most: 4e3}")
    assert parse_study(time).learns_figures
    assert parse_study(f"{TEXT}\ntolerances: {{}}").tolerances.percentile == 5
    cold = TEXT.replace("Plating margin [V]:", '"Plating margin [V] @ cold":')
    cold += "\nfurther sweeps: {cold: {scenario: {C-rate: 0.5, 'temperature [K]': 283.15}}}"
    everywhere = cold.replace('"Plating margin [V] @ cold"', '"Specific energy [W.h.kg-1] @ cold"')
    with pytest.raises(InputError, match="a figure of a further scenario must be one of"):
        parse_study(everywhere)
    study = parse_study(cold)
    assert [scenario.c_rate for scenario in study.scenarios.values()] == [1.0, 0.5]
    assert study.learns_figures


def test_the_published_cell_is_charged_at_the_stated_rates_where_a_study_varies_them() -> None:
    text = TEXT.replace("C-rate: 1.0", "C-rate: 1.0\n  later stages: {0.4: 0.6}", 1)
    text = text.replace("variables:  ", "variables:\n  C-rate of stage 2: [0.3, 1.0]\n#", 1)
    study = parse_study(text)
    assert study.learns_figures
    published = eg.StudyRun(study, reporter=eg.Reporter(quiet=True)).published
    assert published[stage_rate(2)] == 0.6
    assert C_RATE not in published


def test_tied_variables_are_always_alike() -> None:
    tied = TEXT.replace("  Positive electrode porosity: [0.20, 0.50]\n", "", 1)
    tied += "\nfixed:\n  Positive electrode porosity: Negative electrode porosity\n"
    cell = parse_study(tied).loaded_cell
    built = cell.parameters({"Negative electrode porosity": 0.3, N_P_RATIO: 1.2})
    assert built["Positive electrode porosity"] == 0.3
    alone = parse_study(TEXT).loaded_cell
    same = alone.parameters(
        {"Negative electrode porosity": 0.3, "Positive electrode porosity": 0.3, N_P_RATIO: 1.2}
    )
    assert built == same
    assert cell.published == alone.published, "the baseline is as it was built"
    assert "tied" not in alone.to_dict()
    assert type(cell).from_dict(cell.to_dict()) == cell
    wrong = tied.replace(": Negative electrode porosity\n", ": Negative electrode porosty\n")
    with pytest.raises(InputError, match="nearest valid: Negative electrode porosity"):
        parse_study(wrong)
    unit = tied.replace(": Negative electrode porosity\n", ": Positive electrode thickness [m]\n")
    with pytest.raises(InputError, match="of its unit"):
        parse_study(unit)


@pytest.mark.parametrize(("name", "thickest"), [("R1", 75e-6), ("R1-wide", 110e-6)])
def test_the_reference_problem_is_as_agreed(name: str, thickest: float) -> None:
    study = eg.load_study(name)
    cell, scenario = study.loaded_cell, study.scenario
    assert (cell.negative.empty, cell.negative.full) == (0.03, 0.90)
    assert (cell.positive.empty, cell.positive.full) == (0.90, 0.27)
    assert set(cell.fixed.values()) == {0.95}
    assert scenario.constant_current
    assert (scenario.upper_voltage, scenario.charge_limit) == (4.2, 1.1)
    assert study.solver == SolverSettings(points=20, rtol=1e-6, atol=1e-8)
    assert len(study.space) == 7
    assert study.space.axis(N_P_RATIO).said() == [1.05, 1.3]
    assert study.space.axis(C_RATE).said() == [0.5, 4.0]
    assert study.space.axis(POSITIVE_THICKNESS).upper == thickest
    training, test = (study.sweep_of(sweep).plan() for sweep in ("", "test"))
    assert (len(training), len(test), training.rejected, test.rejected) == (2048, 4096, {}, {})
    assert not set(map(tuple, training.values)) & set(map(tuple, test.values))
