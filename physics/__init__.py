"""What a cell is and does: materials, stack, open-circuit potentials, P2D simulations.

JAX's 64-bit mode is switched on here: PyBaMM switches it on when it is imported, and results must not
depend on whether it was. Physics and truth are float64; surrogates say float32 where they mean it.
"""

import jax

jax.config.update("jax_enable_x64", True)
