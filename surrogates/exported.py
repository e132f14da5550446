"""A surrogate as one serialised JAX function, which runs without this package and without PyBaMM.

It needs JAX alone, in single precision, on the processor or a CUDA device, and can be differentiated:

    import jax, numpy as np
    from pathlib import Path

    surrogate = jax.export.deserialize(Path("surrogate.jaxexport").read_bytes())
    print(surrogate.in_tree)                             # the variables, with their units
    designs = {name: np.full(100, value, "float32") for name, value in my_design.items()}
    fraction = np.linspace(0, 1, 33, dtype="float32")    # of the charge that is accepted
    found = surrogate.call(designs, fraction)
    found["figures"]["Accepted capacity [A.h.m-2]"]      # (designs,); their 90 % interval beside them
    found["curves"]["Voltage [V]"]                       # (designs, points), at found["charge"]
    found["inside"]                                      # (designs,): believe no others

The number of designs and of points is free. Names and units are those of the trained surrogate.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array, Bool, Float

from electrograd.physics.errors import InputError
from electrograd.physics.variables import ACCEPTED_CAPACITY, ACCEPTED_SHARE
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.surrogate import Surrogate
from electrograd.surrogates.timed import CURVE_NAMES

SUFFIX, ONNX_SUFFIX = ".jaxexport", ".onnx"
PLATFORMS = ("cpu", "cuda")


def everything(
    surrogate: Surrogate, designs: Float[Array, "designs variables"], fraction: Float[Array, " points"]
) -> dict[str, Any]:
    """All that a surrogate says of designs, as nested dictionaries of arrays.

    Returns
    -------
    dict
        ``figures`` and the half-width of their 90 % ``interval``, by name; ``charge`` [A.h.m-2] and the
        ``curves`` by name at the fractions of the accepted charge; ``inside``: which designs lie in the
        trained box.
    """
    figures = jax.vmap(surrogate.figures)(designs)
    share = figures[ACCEPTED_SHARE][:, None] * fraction[None, :]
    curves = jax.vmap(surrogate.curves)(designs, share)
    return {
        "figures": figures,
        "interval": {name: jnp.float32(surrogate.interval(name)) for name in figures},
        "charge": figures[ACCEPTED_CAPACITY][:, None] * fraction[None, :],
        "curves": {name: curves[..., k] for k, name in enumerate(CURVE_NAMES)},
        "inside": _inside(surrogate, designs),
    }


def export_jax(surrogate: Surrogate, path: Path) -> None:
    """Write a surrogate as a serialised JAX function; see the module for how to call it.

    Raises
    ------
    InputError
        As `check_target` does.
    """
    check_target(path, (SUFFIX,))
    names = surrogate.space.names

    def call(designs: dict[str, Array], fraction: Array) -> dict[str, Any]:
        return everything(surrogate, jnp.stack([designs[name] for name in names], axis=-1), fraction)

    count, points = export.symbolic_shape("designs, points", constraints=["designs >= 1", "points >= 1"])
    column = jax.ShapeDtypeStruct((count,), jnp.float32)
    exported = export.export(jax.jit(call), platforms=PLATFORMS)(
        dict.fromkeys(names, column), jax.ShapeDtypeStruct((points,), jnp.float32)
    )
    write_atomic(path, bytes(exported.serialize(vjp_order=1)))


def check_target(path: Path, suffixes: tuple[str, ...] = (SUFFIX, ONNX_SUFFIX)) -> None:
    """Raise `InputError` unless a surrogate can be exported to this path, before any work is done."""
    if path.suffix not in suffixes:
        kinds = " or ".join(suffixes)
        rule = f"a surrogate is exported as {kinds}: the file's name says which"
        raise InputError(rule, path, path.with_suffix(suffixes[0]))
    if not path.parent.is_dir():
        raise InputError("the folder of an exported file must exist", path.parent)
    if path.suffix == ONNX_SUFFIX and (
        missing := [name for name in ("jax2onnx", "onnxruntime") if find_spec(name) is None]
    ):
        raise InputError(
            "an ONNX file needs jax2onnx and onnxruntime: pip install 'electrograd[onnx]'",
            f"without {' and '.join(missing)}",
            path.with_suffix(SUFFIX),
        )


def export_surrogate(surrogate: Surrogate, path: Path) -> None:
    """Write a surrogate as what the file's suffix says; raises `InputError` as `check_target` does."""
    check_target(path)
    if path.suffix == SUFFIX:
        export_jax(surrogate, path)
    else:
        from electrograd.surrogates.onnx_file import export_onnx  # here, for it imports much

        export_onnx(surrogate, path)


def _inside(surrogate: Surrogate, designs: Float[Array, "designs variables"]) -> Bool[Array, " designs"]:
    """Which designs lie in the trained box, to rounding."""
    low, high = (jnp.asarray(b, designs.dtype) for b in (surrogate.space.lower, surrogate.space.upper))
    slip = 1e-6 * (high - low)
    within = (designs >= (low - slip)[None, :]) & (designs <= (high + slip)[None, :])
    return jnp.all(within, axis=1)
