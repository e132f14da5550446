"""Reading a study file: YAML, validated before any work.

Every complaint names the file, the line, the rule, the value received and the nearest valid one.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from electrograd.physics.errors import InputError, nearest_name
from electrograd.study import Study
from electrograd.study_checks import Where, check_study
from electrograd.study_slips import explain


def bundled_studies() -> list[str]:
    """Names of the studies shipped with the package."""
    folder = files("electrograd") / "studies"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def bundled_text(name: str) -> str:
    """The YAML text of a bundled study."""
    return (files("electrograd") / "studies" / f"{name}.yaml").read_text(encoding="utf-8")


def load_study(source: str | Path) -> Study:
    """Read and validate a study.

    Parameters
    ----------
    source
        The path of a YAML file, or the name of a bundled study such as ``"fast_charge"``.

    Raises
    ------
    InputError
        Names the file, the line, the rule, the value received and the nearest valid one.
    """
    path, folder = Path(source), ""
    if path.is_file():
        folder = str(path.parent)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError("a study file must be UTF-8 text", error.reason, where=str(path)) from error
    elif str(source) in bundled_studies():
        text, folder = bundled_text(str(source)), str(files("electrograd") / "studies")
    else:
        near = nearest_name(str(source), bundled_studies())
        raise InputError(
            "a study must be the path of a YAML file, or a bundled study's name", source, near
        )
    return parse_study(text, str(source), folder)


def parse_study(text: str, file: str = "study", folder: str = "") -> Study:
    """Validate a study's YAML text.

    Parameters
    ----------
    file
        How messages call it.
    folder
        Where files that it names lie; by default where the program runs.

    Raises
    ------
    InputError
        As `load_study` does.
    """
    try:
        plain = YAML(typ="safe", pure=True).load(text)
        placed = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "got '['" in problem:
            problem += "; a name with its [unit] cannot stand inside { }: give it a line of its own"
        raise InputError("a study file must be valid YAML", problem, where=place) from error
    if not isinstance(plain, dict):
        raise InputError(
            "a study file must be a mapping of keys to values", type(plain).__name__, "name: …", file
        )

    def where(*keys: Any) -> str:
        line = _line(placed, keys)
        return f"{file}, line {line}" if line else file

    packages = plain.get("packages")
    for name, changes in packages.items() if isinstance(packages, dict) else ():
        for key in (changes.keys() if isinstance(changes, dict) else set()) & {"name", "packages"}:
            place = where("packages", name, key)
            raise InputError("a package cannot state its name, or packages of its own", key, where=place)
    try:
        study = Study.model_validate(plain, context={"folder": folder})
    except ValidationError as error:
        raise explain(error, plain, where) from error
    check_study(study, where)
    for name, package in study.packages.items():
        check_study(package, _in_package(name, plain["packages"][name], where))
    return study


def _in_package(name: str, changes: dict[str, Any], where: Where) -> Where:
    """Where a key of a study's package stands: with it, or, of what it does not change, in the study."""

    def place(*keys: Any) -> str:
        own = keys and keys[0] in changes
        return f"{where('packages', name, *keys) if own else where(*keys)} (package {name!r})"

    return place


def _line(placed: Any, keys: tuple[Any, ...]) -> int | None:
    """Line of the key at the end of the path, or of the deepest part of it that exists."""
    line = None
    for key in keys:
        if isinstance(placed, CommentedMap) and key in placed:
            line = placed.lc.key(key)[0] + 1
        elif isinstance(placed, CommentedSeq) and isinstance(key, int) and key < len(placed):
            line = placed.lc.item(key)[0] + 1
        else:
            break
        placed = placed[key]
    return line
