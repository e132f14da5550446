"""What the tests share. Shapes and types are checked in every call: see addopts in pyproject.toml."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import jax
import pytest
from untrained import SCENARIO, SPACE, untrained

from electrograd.physics.cell import Cell
from electrograd.physics.open_circuit import OpenCircuitPotential
from electrograd.surrogates.curve_physics import CurvePhysics
from electrograd.surrogates.surrogate import Surrogate

# What compiles on its first call cannot keep a deadline.
hypothesis.settings.register_profile("electrograd", deadline=None)
hypothesis.settings.load_profile("electrograd")

ROOT = Path(__file__).resolve().parents[1]
TEMPERATURE = 298.15


@pytest.fixture(autouse=True)
def strict_rank() -> Iterator[None]:
    """Broadcasting between ranks is a mistake in our code more often than a wish."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What one test compiled, another takes: nothing of it outlives the session."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


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
    """Run the README's example as a script, as it stands, and return its folder and output.

    It is the bundled study: a real sweep, training, design and report. A script without a
    ``__main__`` guard, too, so that workers must not run it again.
    """
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    folder = tmp_path_factory.mktemp("readme")
    (folder / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "example.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def electrograd(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "electrograd", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )
