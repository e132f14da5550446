"""A surrogate that has left the house: run where this package is not, compared with what it was."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import electrograd
from jax import export
from jax.extend.core import jaxpr_as_fun
from test_loops import planted
from untrained import SPACE, with_student

from electrograd.physics.charge import VOLTAGE
from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, NEGATIVE_POROSITY, POSITIVE_THICKNESS
from electrograd.surrogates.exported import check_target, export_jax
from electrograd.surrogates.onnx_file import flat
from electrograd.surrogates.surrogate import Surrogate

INCONVERTIBLE = {
    "stack",
    "jit",
    "pjit",
    "closed_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "scan",
    "while",
}
"""What jax2onnx does not know, cannot follow, or turns into loops of ONNX that nothing else needs."""

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
call = export.deserialize(Path("surrogate.jaxexport").read_bytes()).call
given, fraction = dict(np.load("given.npz")), np.linspace(0, 1, 5, dtype="float32")
found = call(given, fraction)
assert not jax.config.jax_enable_x64 and "electrograd" not in sys.modules
np.savez("figures.npz", **found["figures"])
rest = {name: found[name] for name in ("inside", "charge")}
np.savez("rest.npz", **rest, voltage=found["curves"]["Voltage [V]"])
"""


@pytest.fixture(scope="module")
def exported(some_surrogate: Surrogate, tmp_path_factory) -> tuple[Surrogate, Path]:
    surrogate = some_surrogate
    path = tmp_path_factory.mktemp("exported") / "surrogate.jaxexport"
    export_jax(surrogate, path)
    return surrogate, path


def test_it_runs_without_this_package(exported: tuple[Surrogate, Path]) -> None:
    """Figures and curves as predicted here, and designs outside flagged."""
    surrogate, path = exported
    designs = SPACE.sobol(16, seed=4)
    outside = designs.copy()
    outside[0, 1] = 1.2 * SPACE.upper[1]
    given = {name: outside[:, k].astype(np.float32) for k, name in enumerate(SPACE.names)}
    np.savez(path.parent / "given.npz", **given)
    code = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert code.returncode == 0, code.stderr
    figures, rest = (np.load(path.parent / f"{name}.npz") for name in ("figures", "rest"))
    for name, value in surrogate.predict(designs).items():
        np.testing.assert_allclose(figures[name][1:], value[1:], rtol=3e-6, atol=3e-6, err_msg=name)
    assert rest["inside"].tolist() == [False] + [True] * 15
    _, curves = surrogate.predict_curves(dict(zip(SPACE.names, designs[3], strict=True)), 5)
    np.testing.assert_allclose(rest["voltage"][3], curves[:, 0], atol=3e-6)
    np.testing.assert_allclose(rest["charge"][:, -1], figures[ACCEPTED_CAPACITY])


def test_it_can_be_differentiated(some_surrogate: Surrogate, tmp_path: Path) -> None:
    """Through the file, for any number of designs; what it must find is planted."""
    export_jax(planted(some_surrogate), tmp_path / "s.jaxexport")
    call = export.deserialize((tmp_path / "s.jaxexport").read_bytes()).call
    designs = {
        name: SPACE.sobol(2, seed=0)[:, k].astype(np.float32) for k, name in enumerate(SPACE.names)
    }

    def accepted(designs: dict) -> jax.Array:
        found = call(designs, jnp.linspace(0, 1, 3, dtype=jnp.float32))
        return found["figures"][ACCEPTED_CAPACITY].sum() + found["curves"][VOLTAGE][0, -1]

    slopes = jax.grad(accepted)(designs)
    # V = 3.5 + share², and the share at the end is the porosity
    truth = 50 + 2 * designs[NEGATIVE_POROSITY] * [1, 0]
    np.testing.assert_allclose(slopes[NEGATIVE_POROSITY], truth, rtol=1e-5)
    np.testing.assert_allclose(slopes[POSITIVE_THICKNESS], 0.0)


def test_other_files_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"as .jaxexport or .onnx.*nearest valid: a.jaxexport"):
        check_target(Path("a.bin"))
    with pytest.raises(InputError, match="folder of an exported file must exist"):
        check_target(tmp_path / "none" / "a.jaxexport")
    done = electrograd("export", "fast_charge", "a.bin", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: a surrogate is exported as .jaxexport or .onnx")
    assert not (tmp_path / "runs").exists()


def test_a_function_is_flattened_to_what_converters_know() -> None:
    """Calls are entered and stacks are concatenations, with the same values."""

    @jax.jit
    def stacked(x: jax.Array) -> jax.Array:
        return jax.nn.softplus(jnp.stack([x, 2 * x, jnp.where(x > 1, x, 3.0)], axis=-1))

    spec = jax.ShapeDtypeStruct((4,), jnp.float32)
    assert INCONVERTIBLE.isdisjoint(step.primitive.name for step in flat(stacked, spec).jaxpr.eqns)
    x = np.linspace(0, 2, 4, dtype=np.float32)
    (again,) = jaxpr_as_fun(flat(stacked, spec))(x)
    np.testing.assert_array_equal(again, stacked(x))


@pytest.mark.parametrize("who", ["ensemble", "student"])
def test_what_is_told_of_designs_can_be_converted(some_surrogate: Surrogate, who: str) -> None:
    surrogate = with_student(some_surrogate) if who == "student" else some_surrogate
    traced = flat(jax.vmap(surrogate.figures), jax.ShapeDtypeStruct((4, 3), jnp.float32))
    assert INCONVERTIBLE.isdisjoint(step.primitive.name for step in traced.jaxpr.eqns)
