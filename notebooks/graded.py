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
# # What grading the porosity is worth
#
# The study `graded` asks `xfc`'s question of electrodes in two layers each. It is put beside the best
# *uniform* electrode, not beside one that nobody would build. It reads what
# `python benchmarks/studies.py xfc graded` found, or does it, in half an hour.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import electrograd as eg

home = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "studies").is_dir())
runs, quiet = home / "runs/benchmark/studies", eg.Reporter(quiet=True)
made = {name: eg.StudyRun(eg.load_study(name), runs, quiet).design for name in ("xfc", "graded")}
print(made["graded"].summary())

# %% [markdown]
# ## Beside the best uniform electrode

# %%
energy = "Specific energy [W.h.kg-1]"
told = {name: one.record["figures_of_merit"][energy]["simulated"] for name, one in made.items()}
for name, value in told.items():
    print(f"{name:8s} {value:.2f} Wh/kg")
print(f"graded over uniform: {100 * (told['graded'] / told['xfc'] - 1):+.2f} %")

# %%
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained", dpi=80)
for name, one in made.items():
    values = {key: entry["value"] for key, entry in one.record["variables"].items()}
    for side, style in (("Negative", "-"), ("Positive", "--")):
        layers = [values.get(f"{side} electrode porosity of layer {k}") for k in (1, 2)]
        uniform = values.get(f"{side} electrode porosity")
        heights = [uniform] * 2 if layers[0] is None else layers
        colour = "tab:blue" if name == "graded" else "grey"
        axis.step([0, 0.5, 1], [*heights, heights[-1]], style, where="post", color=colour)
        axis.annotate(f"{name}, {side.lower()}", (0.02, heights[0] + 0.004), color=colour, fontsize=8)
axis.set(xlabel="Depth from the separator, over the electrode's thickness", ylabel="Porosity")
plt.show()

# %% [markdown]
# Next to nothing: the plating-limited charge leans on salt in the negative electrode, whose layer at the
# separator is made a little denser than the one behind; the positive stays at its densest.
