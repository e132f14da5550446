"""A surrogate as an ONNX file, for programs without JAX and without Python.

It is converted by jax2onnx (``electrograd[onnx]``) and then run in onnxruntime beside the surrogate: a
file that does not say the same is not left behind. Two limits are the converter's (0.13, with JAX 0.10):

- The number of designs in a call is fixed; with a free one the converter wrote shapes that do not fit.
  Fill a last batch up with any design.
- It follows neither `jax.vmap` through what it replaces of JAX and Flax, nor ``stack``. So it is given
  the function already traced: one list of primitives, without calls in it (`flat`).

Inputs: ``designs`` (batch, variables), float32, in SI units and the order of the file's ``variables``.
Outputs: each figure of merit (batch,); the charge passed and each observable (batch, points) on even
points up to the predicted end; ``inside`` (batch,), whether a design lies in the trained box. The file's
metadata hold the names of variables, their bounds, and the half-widths of the 90 % intervals as JSON.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core
from jaxtyping import Array

from electrograd.physics.errors import InputError
from electrograd.surrogates.checkpoint import write_atomic
from electrograd.surrogates.exported import ONNX_SUFFIX, SUFFIX, check_target, everything
from electrograd.surrogates.surrogate import Surrogate

CHARGE, INSIDE = "Charge passed [A.h.m-2]", "inside"
_CALLS = {"jit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
_ROUNDING = 2e-5  # of the largest value: single precision, after a root has been found


def export_onnx(surrogate: Surrogate, path: Path, batch: int = 256, points: int = 33) -> None:
    """Write a surrogate as an ONNX file for `batch` designs a call; see the module.

    Raises
    ------
    InputError
        As `check_target` does, and if the converted file does not predict what the surrogate predicts.
    """
    check_target(path, (ONNX_SUFFIX,))
    import jax2onnx

    for talkative in ("jax2onnx", "onnx_ir"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    fraction = jnp.linspace(0, 1, points, dtype=jnp.float32)
    names: list[str] = []

    def outputs(designs: Array) -> list[Array]:
        found = everything(surrogate, designs, fraction)
        by_name = {
            **found["figures"],
            CHARGE: found["charge"],
            **found["curves"],
            INSIDE: found["inside"],
        }
        names[:] = list(by_name)
        return list(by_name.values())

    designs = jax.ShapeDtypeStruct((batch, len(surrogate.space)), jnp.float32)
    model = jax2onnx.to_onnx(
        core.jaxpr_as_fun(flat(outputs, designs)),
        [designs],
        model_name="surrogate",
        input_names=["designs"],
        output_names=names,
    )
    told = {
        "variables": list(surrogate.space.names),
        "lower": list(surrogate.space.lower),
        "upper": list(surrogate.space.upper),
        "interval": {name: surrogate.interval(name) for name in names},
    }
    for key, value in told.items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    content = model.SerializeToString()
    check = surrogate.space.sobol(1 << (batch - 1).bit_length(), seed=0)[:batch].astype(np.float32)
    _compare(content, check, dict(zip(names, map(np.asarray, jax.jit(outputs)(check)), strict=True)))
    write_atomic(path, content)


def flat(function: Any, *given: jax.ShapeDtypeStruct) -> core.ClosedJaxpr:
    """Trace a function to one list of primitives: calls are entered, ``stack`` is a concatenation."""
    traced = jax.make_jaxpr(function)(*given)
    return jax.make_jaxpr(lambda *values: _replay(traced.jaxpr, traced.consts, values))(*given)


def _replay(jaxpr: Any, constants: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *values], strict=True))

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, core.Literal) else known[variable]

    for step in jaxpr.eqns:
        name, inputs = step.primitive.name, [read(variable) for variable in step.invars]
        if name in _CALLS:
            inner = step.params[_CALLS[name]]
            found = _replay(inner.jaxpr, inner.consts, inputs)
        elif name == "stack":
            axis = step.params["axis"]
            found = [lax.concatenate([lax.expand_dims(value, (axis,)) for value in inputs], axis)]
        else:
            found = step.primitive.bind(*inputs, **step.params)
            found = found if step.primitive.multiple_results else [found]
        known.update(zip(step.outvars, found, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _compare(content: bytes, designs: np.ndarray, truth: dict[str, np.ndarray]) -> None:
    """Run the file in onnxruntime and compare."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of shapes that it then finds out by itself
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found = session.run(list(truth), {"designs": designs})
    for (name, right), value in zip(truth.items(), found, strict=True):
        allowed = _ROUNDING * max(1.0, float(np.abs(right).max()))
        worst = float(np.abs(right.astype(float) - value.astype(float)).max())
        if not worst <= allowed:
            raise InputError(
                "an ONNX file must predict what its surrogate does; nothing was written",
                f"the converted one is wrong by {worst:g} in {name!r}",
                f"a {SUFFIX} file",
            )
