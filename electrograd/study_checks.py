"""What the sections of a study must agree on, checked before any work; each complaint has its line."""

import math
from collections.abc import Callable
from typing import Any

from electrograd.design.problem import Limit
from electrograd.physics.channel_phase import on_columns
from electrograd.physics.charge import OBSERVABLES
from electrograd.physics.errors import InputError, check_name, nearest_name
from electrograd.physics.ladder import COLUMNS, FIDELITIES, P2D_ALONE, RESOLVED, SOLID
from electrograd.physics.slips import meant, unit_meant
from electrograd.physics.structure import Structure
from electrograd.physics.variables import (
    AIMS,
    C_RATE,
    CHARGING_ENERGY,
    HOTTEST,
    N_P_RATIO,
    NEGATIVE_THICKNESS,
    OF_CHARGE,
    VARIABLES,
    figure_and_scenario,
    stage_rate,
)
from electrograd.physics.variants import CATEGORIES, check_channelled
from electrograd.study import LABEL_KEYS, MAIN, SHOWN_AS, Study, SweepOf
from electrograd.study_sections import ScenarioSection, VariableSection
from electrograd.surrogates.fitting import LEAST_DESIGNS
from electrograd.sweeps.axis import Axis
from electrograd.sweeps.feasible import quantity_names
from electrograd.sweeps.plan import check_feasible
from electrograd.sweeps.samplers import SALTELLI
from electrograd.sweeps.space import check_box

Where = Callable[..., str]
"""Gives file and line of a path of keys."""


def check_study(study: Study, where: Where) -> None:
    """Refuse a study whose sections contradict each other, or ask for what nobody can build.

    Raises
    ------
    InputError
        The first mistake, with its place.
    """
    _check_variables(study, where)
    _check_goal(study, where)
    _check_front(study, where)
    relay(lambda: study.tolerances, where("tolerances"))
    relay(lambda: Structure.of([*study.variables, *study.fixed]), where("variables"))
    relay(lambda: study.loaded_cell, where("cell"))
    for name in filter(CATEGORIES.__contains__, study.variables):
        relay(lambda n=name: check_channelled(study.loaded_cell, n), where("variables", name))
    _check_places(study, where)
    for name in study.sweep_names:
        _check_sweep(study, name, where)
    _check_designs(study, where)
    _check_learned(study, where)
    _check_sensitivity(study, where)
    main = study.sweep_of(MAIN)
    designs, least = main.sampler.size(main.space, main.designs), LEAST_DESIGNS
    if study.goal_section is not None and designs < least:
        raise InputError(
            "a sweep to design from must hold enough designs to train on",
            designs,
            least,
            where("sweep", "designs"),
        )


def relay(build: Any, where: str) -> None:
    """Build something and add the place to its complaint."""
    try:
        build()
    except InputError as error:
        place = ", ".join(part for part in (where, error.where) if part)
        raise InputError(error.rule, error.value, error.nearest, place) from error


def _check_variables(study: Study, where: Where) -> None:
    for name, variable in study.variables.items():
        said = variable.said if isinstance(variable, VariableSection) else variable
        relay(lambda n=name, s=said: Axis.of(n, s), where("variables", name))
    channels = any(" channel " in name for name in (*study.variables, *study.fixed))
    if "channels" in study.model_fields_set and not channels:
        raise InputError(
            "'channels' describes the channels that the variables name, and they name none",
            study.channels.model_dump(),
            "'Negative channel pitch [m]' and 'Negative channel width over pitch' among the variables",
            where("channels"),
        )
    for name, key in LABEL_KEYS.items():
        if key in study.channels.model_fields_set and name in study.variables:
            raise InputError(
                "a variable is stated under 'channels' or varied, not both",
                name,
                where=where("channels", key),
            )
    for name, value in study.fixed.items():
        if name.startswith(C_RATE):
            raise InputError(
                "a rate that all designs share belongs in the scenario",
                name,
                "'C-rate' or 'later stages' of the scenario",
                where("fixed", name),
            )
        check_name(name, VARIABLES, "a fixed value must be of a known variable", where("fixed", name))
        if name in study.variables:
            raise InputError("a variable is fixed or varied, not both", name, where=where("fixed", name))
        if isinstance(value, str):
            _check_tie(name, value, study, where("fixed", name))
        else:
            relay(lambda n=name, v=value: VARIABLES[n].check(v), where("fixed", name))
    named = {*study.variables, *study.fixed}
    if {N_P_RATIO, NEGATIVE_THICKNESS} <= named:
        raise InputError(
            f"a study sets either {N_P_RATIO!r} or {NEGATIVE_THICKNESS!r}, for one fixes the other",
            "both",
            N_P_RATIO,
            where("variables", NEGATIVE_THICKNESS),
        )
    for name in study.variables:
        if name.startswith(C_RATE):
            _check_rate(name, study, study.scenario_section, where("variables", name))


def _check_tie(name: str, other: str, study: Study, place: str) -> None:
    """Refuse a value that is tied to what has none of its own, or is of another unit."""
    own = [n for n in (*study.variables, *study.fixed) if not isinstance(study.fixed.get(n), str)]
    alike = [n for n in own if n in VARIABLES and VARIABLES[n].unit == VARIABLES[name].unit]
    valid = VARIABLES[name]
    number = meant(other, unit_meant(name), lambda x: valid.lower <= x <= valid.upper)
    if number is not None:
        raise InputError(f"{name!r} must be a number, without a unit", other, number, place)
    check_name(other, alike, f"{name!r} can be tied to a variable or a fixed value of its unit", place)


def _check_rate(name: str, study: Study, section: ScenarioSection, place: str) -> None:
    """Refuse a varied rate of a stage that is not there, or below the current that ends a hold."""
    known = [stage_rate(k) for k in range(1, len(section.later_stages) + 2)]
    if name not in known:
        raise InputError("a varied rate must be of a stage of the scenario", name, known[-1], place)
    lowest = study.space.axis(name).lower
    held = section.hold_voltage or section.plating_potential is not None
    if held and lowest <= section.hold_until:
        raise InputError(
            "a varied rate must stay above 'hold until C-rate'", lowest, section.hold_until, place
        )


def _check_goal(study: Study, where: Where) -> None:
    section = study.goal_section
    if section is None:
        return
    for figure, limit in section.limits.items():
        for sense, value in limit.senses:
            relay(lambda f=figure, s=sense, v=value: Limit(f, s, v), where("goal", "limits", figure))
    relay(lambda: study.goal, where("goal", section.objective[1]))
    for aim in study.aims:
        _, scenario = figure_and_scenario(aim)
        further = study.further_sweeps.get(scenario)
        if scenario and (further is None or further.scenario is None):
            stated = [name for name, sweep in study.further_sweeps.items() if sweep.scenario]
            raise InputError(
                "what stands behind '@' must be one of the further sweeps that state a scenario",
                aim,
                ", ".join(stated) or "further sweeps: {cold: {scenario: {C-rate: 1, ...}}}",
                where("goal"),
            )
    for aim in study.aims:
        figure, scenario = figure_and_scenario(aim)
        own = study.further_sweeps[scenario].scenario if scenario else None
        if figure == HOTTEST and (own or study.scenario_section).cooling is None:
            _refuse_held_temperature(aim, scenario, study, where)


def _refuse_held_temperature(aim: str, scenario: str, study: Study, where: Where) -> None:
    """Refuse an aim on the temperature of a charge that holds it: nothing could break or better it."""
    key = "heat transfer coefficient [W.m-2.K-1]"
    limited = aim in study.goal_section.limits if study.goal_section else False
    of = f"the scenario of {scenario!r}" if scenario else "the scenario"
    raise InputError(
        f"a charge without {key!r} is isothermal: its temperature is held, and cannot be aimed at",
        f"{aim}, isothermal",
        f"{key}: 10.0, in {of}; or no such aim",
        where("goal", "limits", aim) if limited else where("goal"),
    )


def _check_learned(study: Study, where: Where) -> None:
    """Refuse aims that surrogates of figures do not predict; what is checked before holds here."""
    for aim in study.aims if study.learns_figures else ():
        figure, scenario = figure_and_scenario(aim)
        known = OF_CHARGE if scenario else [name for name in AIMS if name != CHARGING_ENERGY]
        rule = "a figure of a further scenario" if scenario else "a figure that is learned directly"
        check_name(figure, known, f"{rule} must be one of {', '.join(known)}", where("goal"))


def _check_sensitivity(study: Study, where: Where) -> None:
    said, samples = study.sensitivity, study.sensitivity.samples
    if samples & (samples - 1):
        raise InputError(
            "samples must be a power of two",
            samples,
            2 ** round(math.log2(samples)),
            where("sensitivity", "samples"),
        )
    for name in (*said.normal, *(member for group in said.groups.values() for member in group)):
        key = "normal" if name in said.normal else "groups"
        rule = "a sensitivity must be of the study's variables"
        check_name(name, study.variables, rule, where("sensitivity", key))
    relay(lambda: study.sensitivity_inputs, where("sensitivity"))
    if said.check is None:
        return
    place = where("sensitivity", "check")
    fit = [n for n, s in study.further_sweeps.items() if s.drawn_by.kind == SALTELLI and not s.scenario]
    if said.check not in fit:
        example = "further sweeps: {check: {sampler: {saltelli: 64}}}"
        raise InputError(
            "'check' must name a further sweep with the sampler 'saltelli', in the study's own scenario",
            said.check,
            nearest_name(said.check, fit) or " or ".join(fit) or example,
            place,
        )


def _check_front(study: Study, where: Where) -> None:
    section = study.front_section
    if section is not None:
        relay(lambda: study.front, where("front", section.objective[1]))


def _check_places(study: Study, where: Where) -> None:
    """Refuse a sweep named as the main one, and a place where no store can lie."""
    if SHOWN_AS in study.further_sweeps:
        raise InputError(
            f"a further sweep must have a name of its own; the study's 'sweep' is called {SHOWN_AS!r}",
            SHOWN_AS,
            f"{SHOWN_AS}-2",
            where("further sweeps", SHOWN_AS),
        )
    if study.store is not None:
        # Late: Zarr and fsspec take a third of a second, and few studies say where their stores lie.
        from electrograd.sweeps.location import Location

        relay(lambda: Location(str(study.store)), where("store"))


def _check_sweep(study: Study, name: str, where: Where) -> None:
    """Refuse a sweep that cannot be drawn, or charged at its fidelity; its own keys say where."""
    path: tuple[str, ...] = ("sweep",) if name == MAIN else ("further sweeps", name)
    section: Any = study.sweep if name == MAIN else study.further_sweeps[name]
    own: ScenarioSection | None = None if name == MAIN else section.scenario
    charged = (*path, "scenario") if own else ("scenario",)
    if section.fidelity is not None:
        rule = "a fidelity must be one of this ladder"
        check_name(section.fidelity, FIDELITIES, rule, where(*path, "fidelity"))
    for observable in section.observables:
        rule = "an observable must be one that simulations record"
        check_name(observable, OBSERVABLES, rule, where(*path, "observables"))
    relay(lambda: section.drawn_by, where(*path, "sampler"))
    relay(lambda: (own or study.scenario_section).scenario.of(study.loaded_cell), where(*charged))
    for rate in study.variables:
        if own and rate.startswith(C_RATE):
            _check_rate(rate, study, own, where(*charged))
    sweep = study.sweep_of(name)
    counted = "designs" if section.designs is not None and not sweep.sampler.counted else "sampler"
    relay(lambda: sweep.sampler.size(sweep.space, sweep.designs), where(*path, counted))
    relay(lambda: check_fidelity(sweep), where(*path, "fidelity"))


def check_fidelity(sweep: SweepOf) -> None:
    """Refuse a scenario that the sweep's fidelity does not know.

    Raises
    ------
    InputError
        For anything but one constant current at a fidelity that resolves channels, or leaves them out.
    """
    structure, scenario = sweep.cell.structure, sweep.scenario
    if sweep.fidelity == COLUMNS and not on_columns(structure, scenario):
        raise InputError(
            f"the fidelity {COLUMNS!r} is for channels in the negative electrode alone, both coatings "
            "uniform, isothermal",
            "another structure, or heat",
            "p2d-channels",
        )
    uncut = sweep.fidelity == P2D_ALONE and structure.channelled
    extra = scenario.later_stages or scenario.cooling is not None or scenario.end_when_depleted
    if (sweep.fidelity in (RESOLVED, SOLID) or uncut) and (scenario.held or extra):
        raise InputError(
            f"at the fidelity {sweep.fidelity!r} a charge is at one constant current, isothermal",
            scenario.protocol,
            "a scenario of C-rate and cut-off voltage",
        )
    if uncut and scenario.start:
        raise InputError("the P2D without its channels charges from empty", scenario.start, 0.0)


def _check_designs(study: Study, where: Where) -> None:
    """Refuse designs that cannot be built, or constraints that leave none."""
    cell, space = study.loaded_cell, study.space
    if not study.leaves_out:
        try:
            check_box(cell, space)
        except InputError as error:
            hint = "state 'constraints:' ({} for none), which leaves such designs out"
            nearest = hint if error.nearest is None else f"{error.nearest}; or {hint}"
            raise InputError(error.rule, error.value, nearest, where("variables")) from error
        return
    known = quantity_names(cell, space) if study.constraints else []
    for constraint in study.stated_constraints:
        relay(lambda c=constraint: c.check(known), where("constraints", constraint.quantity))
    relay(lambda: check_feasible(cell, space, study.stated_constraints), where("constraints"))
