"""A surrogate that has left the house: run where this package is not, compared with what it was."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from test_surrogates import SPACE, untrained

from electrograd.physics.cell import Cell
from electrograd.physics.charge import VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, ACCEPTED_SHARE
from electrograd.surrogates.exported import export_jax
from electrograd.surrogates.surrogate import Surrogate

ELSEWHERE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("electrograd", "pybamm", "flax"):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
import jax, numpy as np
from jax import export
from pathlib import Path
given = np.load("given.npz")
surrogate = export.deserialize(Path("surrogate.jaxexport").read_bytes())
found = surrogate.call({name: given[name] for name in given}, np.linspace(0, 1, 5, dtype="float32"))
assert not jax.config.jax_enable_x64 and "electrograd" not in sys.modules
np.savez("found.npz", inside=found["inside"], voltage=found["curves"]["Voltage [V]"], **found["figures"])
"""


@pytest.fixture(scope="module")
def exported(cell: Cell, potentials, tmp_path_factory) -> tuple[Surrogate, Path]:
    surrogate = untrained(cell, potentials, "float32", c_rate=0.4)
    path = tmp_path_factory.mktemp("exported") / "surrogate.jaxexport"
    export_jax(surrogate, path)
    return surrogate, path


def columns(designs: np.ndarray) -> dict[str, np.ndarray]:
    return {name: designs[:, k].astype(np.float32) for k, name in enumerate(SPACE.names)}


def test_it_runs_without_this_package(exported: tuple[Surrogate, Path]) -> None:
    surrogate, path = exported
    designs = SPACE.sobol(16, seed=4)
    outside = designs.copy()
    outside[0, 1] = 1.2 * SPACE.upper[1]
    np.savez(path.parent / "given.npz", **columns(outside))
    code = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert code.returncode == 0, code.stderr
    found = np.load(path.parent / "found.npz")
    for name, value in surrogate.predict(designs).items():
        np.testing.assert_allclose(found[name][1:], value[1:], rtol=3e-6, atol=3e-6, err_msg=name)
    assert found["inside"].tolist() == [False] + [True] * 15
    _, curves = surrogate.predict_curves(dict(zip(SPACE.names, designs[3], strict=True)), 5)
    np.testing.assert_allclose(found["voltage"][3], curves[:, 0], atol=3e-6)


def test_any_number_of_designs_and_the_gradient(exported: tuple[Surrogate, Path]) -> None:
    surrogate, path = exported
    call = export.deserialize(path.read_bytes()).call
    middle, step = (np.array(SPACE.lower) + np.array(SPACE.upper)) / 2, 0.01
    width = np.array(SPACE.upper) - np.array(SPACE.lower)
    around = middle + step * width * np.concatenate([np.eye(3), -np.eye(3)])
    found = call(columns(around), np.ones(1, np.float32))
    assert found["charge"].shape == found["curves"][VOLTAGE].shape == (6, 1)
    share = np.asarray(found["figures"][ACCEPTED_SHARE])
    assert np.all((share > 0) & (share < 1.1)), "the start must not be the answer"
    assert found["interval"][ACCEPTED_SHARE] == np.float32(surrogate.interval(ACCEPTED_SHARE))
    above, below = np.split(np.asarray(found["figures"][ACCEPTED_CAPACITY], float), 2)

    @jax.jit
    @jax.grad
    def slope(designs: dict) -> jax.Array:
        return call(designs, jnp.ones(1, jnp.float32))["figures"][ACCEPTED_CAPACITY].sum()

    slopes = slope(columns(middle[None]))
    for k, name in enumerate(SPACE.names):
        difference = (above[k] - below[k]) / (2 * step)
        assert float(slopes[name][0]) * width[k] == pytest.approx(difference, rel=0.01, abs=1e-3)


def test_other_suffixes_are_refused(exported: tuple[Surrogate, Path]) -> None:
    with pytest.raises(InputError, match=r"kept as .jaxexport; received: .*nearest valid: a.jaxexport"):
        export_jax(exported[0], Path("a.bin"))
