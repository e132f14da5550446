"""What the tests share. Shapes and types are checked in every call: see addopts in pyproject.toml."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import jax
import pytest
from filelock import FileLock
from untrained import SCENARIO, SPACE, untrained

from electrograd.physics.cell import Cell
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.surrogate import Surrogate

# What compiles on its first call cannot keep a deadline.
hypothesis.settings.register_profile("electrograd", deadline=None)
hypothesis.settings.load_profile("electrograd")

HANGS = 3000
"""Seconds after which a process counts as one that hangs: far more than the slowest machine takes, and
less than the limit of a test in pyproject.toml, so that this is what is told."""
COMPILED = "JAX_COMPILATION_CACHE_DIR"


def pytest_configure(config: pytest.Config) -> None:
    """What one process compiles, the others take: workers and what they start inherit the folder."""
    if COMPILED not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="compiled-")
        config.add_cleanup(folder.cleanup)
        os.environ[COMPILED] = folder.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    jax.config.update("jax_compilation_cache_dir", os.environ[COMPILED])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


ROOT = Path(__file__).resolve().parents[1]
TEMPERATURE = 298.15


@pytest.fixture(autouse=True)
def strict_rank() -> Iterator[None]:
    """Broadcasting between ranks is a mistake in our code more often than a wish."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(scope="session")
def cell() -> Cell:
    return Cell.load("Chen2020")


@pytest.fixture(scope="session")
def potentials(cell: Cell) -> tuple[OpenCircuitPotential, OpenCircuitPotential]:
    return (
        OpenCircuitPotential.from_pybamm(cell, "negative", TEMPERATURE),
        OpenCircuitPotential.from_pybamm(cell, "positive", TEMPERATURE),
    )


@pytest.fixture(scope="session")
def physics(cell: Cell) -> CurvePhysics:
    return CurvePhysics.of(cell, SPACE, SCENARIO)


@pytest.fixture(scope="session")
def some_surrogate(physics: CurvePhysics) -> Surrogate:
    """An untrained one, in single precision, for all who only ask it: what it compiles is shared."""
    return untrained(physics, "float32", c_rate=0.4)


@pytest.fixture(scope="session")
def readme_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the README's example as a script, as it stands, and return a folder of it and its output.

    It is the bundled study: a real sweep, training, design and report. A script without a
    ``__main__`` guard, too, so that workers must not run it again. The first of pytest's processes that
    asks runs it, the others wait, and each gets a copy, for tests write into it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "readme"
    with FileLock(f"{shared}.lock"):
        if not (shared / "output.json").exists():
            _run_readme(shared)
    output: dict[str, str] = json.loads((shared / "output.json").read_text())
    assert not output["error"], output["error"]
    folder = tmp_path_factory.mktemp("readme") / "run"
    shutil.copytree(shared, folder)
    return folder, output["said"]


def _run_readme(folder: Path) -> None:
    """Leave its output in ``output.json``, or why there is none: nobody need try again."""
    folder.mkdir()
    output = folder / "output.json"
    output.write_text(json.dumps({"error": "another process began to run the README and never ended"}))
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    (folder / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "example.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    error = done.stderr if done.returncode else ""
    output.write_text(json.dumps({"said": done.stdout, "error": error}))


def until(holds: Callable[[], bool], pause: float = 0.02) -> None:
    """Wait for something that happens in another process or thread."""
    deadline = time.monotonic() + HANGS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(pause)


def electrograd(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "electrograd", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )
