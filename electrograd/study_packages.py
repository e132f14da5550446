"""A study's packages, each made a study of its own before anything is validated."""

from typing import Any


def with_packages(said: Any) -> Any:
    """Make each of a study's 'packages' a study: what it does not change is as the study says.

    Mappings are changed key by key, null takes a key away, and all else is replaced.
    """
    if not (isinstance(said, dict) and isinstance(said.get("packages"), dict)):
        return said
    study = {key: value for key, value in said.items() if key != "packages"}
    made = {
        name: {**_changed(study, changes), "name": f"{said.get('name')}-{name}"}
        for name, changes in said["packages"].items()
        if isinstance(changes, dict)
    }
    return {**study, "packages": {**said["packages"], **made}}


def _changed(said: dict[Any, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    found = dict(said)
    for key, value in changes.items():
        found.pop({"maximise": "minimise", "minimise": "maximise"}.get(key), None)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = _changed(found[key], value)
        else:
            found[key] = value
    return found
