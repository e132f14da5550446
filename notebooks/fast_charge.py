# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a cell to a verified fast-charging electrode
#
# The study `fast_charge` asks for the LG M50 cell (`Chen2020`): which thicknesses and porosities hold the
# most energy per mass, while a 1C constant-current charge takes in 72 % of the capacity and never plates
# lithium? This notebook runs the chain step by step and looks at what each step knows.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import electrograd as eg

study = eg.load_study("fast_charge")
quiet = eg.Reporter(quiet=True)
study.variables

# %% [markdown]
# ## The sweep
#
# PyBaMM charges 256 designs spread evenly over the box. Every one is kept with the reason it ended.

# %%
dataset = eg.run_sweep(study, reporter=quiet)
dataset.count_ends()

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", dpi=80)
margin = 1e3 * dataset.figures["Plating margin [V]"]
for axis, name in zip(
    axes, ("Positive electrode thickness [m]", "Negative electrode porosity"), strict=True
):
    column = dataset.names.index(name)
    axis.scatter(dataset.values[:, column], margin, s=9)
    axis.axhline(0, color="firebrick", linewidth=1)
    axis.set(xlabel=name, ylabel="Plating margin [mV]")
plt.show()

# %% [markdown]
# Thick positive electrodes plate: the current grows with them, and so does the path through the negative.
#
# ## The surrogate
#
# Four small networks, each trained without a tenth of the designs; their errors there are honest.

# %%
surrogate = eg.train_surrogate(study, reporter=quiet)
for name, error in surrogate.accuracy.figures.items():
    print(f"{name:36s} median {error['median']:.2g}, 90 % within {error['interval']:.2g}")

# %% [markdown]
# It is a JAX function, so a whole design map costs one call. Thickness against negative porosity, at the
# N/P ratio and positive porosity of the best design: where lithium plates, and the share accepted.

# %%
package = eg.run_study(study, reporter=quiet)
best = {name: entry["value"] for name, entry in package.record["variables"].items()}
names = list(best)
thickness, porosity = np.meshgrid(np.linspace(40e-6, 100e-6, 60), np.linspace(0.2, 0.5, 60))
designs = np.tile([best[name] for name in names], (thickness.size, 1))
designs[:, names.index("Positive electrode thickness [m]")] = thickness.ravel()
designs[:, names.index("Negative electrode porosity")] = porosity.ravel()
figures = {name: value.reshape(thickness.shape) for name, value in surrogate.predict(designs).items()}

# %%
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained", dpi=80)
energy = figures["Theoretical specific energy [W.h.kg-1]"]
share = figures["Accepted share of nominal capacity"]
contours = axis.contour(1e6 * thickness, porosity, energy, levels=10, cmap="viridis")
axis.clabel(contours, fmt="%.0f Wh/kg", fontsize=8)
plating = figures["Plating margin [V]"] < 0
axis.contourf(1e6 * thickness, porosity, plating, levels=[0.5, 1], colors=["firebrick"], alpha=0.15)
axis.contour(1e6 * thickness, porosity, share, levels=[0.72], colors=["black"], linestyles=["--"])
axis.plot(
    1e6 * best["Positive electrode thickness [m]"], best["Negative electrode porosity"], "k*", ms=12
)
axis.set(xlabel="Positive electrode thickness [µm]", ylabel="Negative electrode porosity")
axis.set_title("red: lithium plates; dashed: 72 % accepted; star: the design", fontsize=9)
plt.show()

# %% [markdown]
# The star sits in the corner where both limits meet: that is why it is best.
#
# ## What a micrometre costs
#
# Gradients through the end of charge say what each variable buys at the optimum.

# %%
row = jnp.asarray([best[name] for name in names], jnp.float32)
slopes = jax.jit(jax.jacfwd(surrogate.figures))(row)
width = np.asarray(study.space.upper) - np.asarray(study.space.lower)
for figure_of_merit, scale, unit in (
    ("Theoretical specific energy [W.h.kg-1]", 0.01, "Wh/kg"),
    ("Plating margin [V]", 10.0, "mV"),
):
    print(f"{figure_of_merit}, for 1 % of each variable's range:")
    for name, slope in zip(names, scale * np.asarray(slopes[figure_of_merit]) * width, strict=True):
        print(f"  {name:36s} {slope:+.2f} {unit}")

# %% [markdown]
# ## The design, simulated

# %%
print(package.summary())
