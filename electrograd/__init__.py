"""electrograd: inverse design of fast-charging battery electrodes.

The chain in five lines::

    import electrograd as eg

    study = eg.load_study("fast_charge")
    package = eg.run_study(study)
    print(package.summary())

Names are loaded when first used, so that ``import electrograd`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from electrograd.console import Reporter as Reporter
    from electrograd.identify_command import identify as identify
    from electrograd.packages_command import run_packages as run_packages
    from electrograd.physics.errors import InputError as InputError
    from electrograd.steps import DesignPackage as DesignPackage
    from electrograd.steps import StudyRun as StudyRun
    from electrograd.steps import analyse_sensitivity as analyse_sensitivity
    from electrograd.steps import explain_design as explain_design
    from electrograd.steps import find_design as find_design
    from electrograd.steps import run_study as run_study
    from electrograd.steps import run_sweep as run_sweep
    from electrograd.steps import train_surrogate as train_surrogate
    from electrograd.steps import write_report as write_report
    from electrograd.study import Study as Study
    from electrograd.study_file import bundled_studies as bundled_studies
    from electrograd.study_file import load_study as load_study
    from electrograd.surrogates.artefact import load_surrogate as load_surrogate

_HOMES = {
    "Reporter": "electrograd.console",
    "InputError": "electrograd.physics.errors",
    "DesignPackage": "electrograd.steps",
    "identify": "electrograd.identify_command",
    "run_packages": "electrograd.packages_command",
    "StudyRun": "electrograd.steps",
    "analyse_sensitivity": "electrograd.steps",
    "explain_design": "electrograd.steps",
    "find_design": "electrograd.steps",
    "run_study": "electrograd.steps",
    "run_sweep": "electrograd.steps",
    "train_surrogate": "electrograd.steps",
    "write_report": "electrograd.steps",
    "Study": "electrograd.study",
    "bundled_studies": "electrograd.study_file",
    "load_study": "electrograd.study_file",
    "load_surrogate": "electrograd.surrogates.artefact",
}

__all__ = sorted(_HOMES)  # the names above, once


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'electrograd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
