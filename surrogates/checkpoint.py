"""The state of a training on disk, so that one that was ended goes on bit for bit where it was."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array
from safetensors import SafetensorError, safe_open
from safetensors.flax import save

State = Any
"""A pytree of arrays."""


def write_checkpoint(path: Path, identity: dict[str, Any], step: int, state: State) -> None:
    """Replace the checkpoint; it is there whole or not at all.

    Parameters
    ----------
    identity
        All that the training follows from, as JSON can hold it.
    """
    leaves = {f"{k}": jnp.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(state))}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save(leaves, {"identity": digest(identity), "step": str(step)}))


def read_checkpoint(path: Path, identity: dict[str, Any], state: State) -> tuple[int, State]:
    """Step and state to go on from: those given, at step 0, unless this training's checkpoint is there.

    One that is damaged, or of another training, counts as none: it can only save time.
    """
    leaves, structure = jax.tree.flatten(state)
    try:
        with safe_open(path, framework="flax") as file:
            said = file.metadata() or {}
            if said.get("identity") != digest(identity):
                return 0, state
            found: list[Array] = [file.get_tensor(f"{k}") for k in range(len(leaves))]
    except (OSError, SafetensorError):
        return 0, state
    return int(said["step"]), jax.tree.unflatten(structure, found)


def digest(identity: dict[str, Any]) -> str:
    """Hash of what a training follows from."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
