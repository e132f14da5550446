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
# # What it costs to survive manufacturing
#
# The study `robust` asks `xfc`'s question of designs as they are made: thicknesses, porosities and the N/P
# ratio scatter, and all but a twentieth of the made designs have to keep the limits. It reads what
# `python benchmarks/studies.py xfc robust` found, or does it, in half an hour.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import electrograd as eg
from electrograd.designing import seen_by

home = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "studies").is_dir())
runs, quiet = home / "runs/benchmark/studies", eg.Reporter(quiet=True)
made = {name: eg.StudyRun(eg.load_study(name), runs, quiet) for name in ("xfc", "robust")}
print(made["robust"].design.summary())

# %% [markdown]
# ## How both scatter
#
# A thousand made designs of each, by the surrogate that has seen every simulation; those of `robust` were
# checked with 32 simulations.

# %%
tolerances = made["robust"].study.tolerances
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained", dpi=80)
for name, run in made.items():
    record, space = run.design.record, run.study.space
    surrogate = seen_by(run.surrogate, record["search"]["explored_designs"])
    design = np.array([record["variables"][key]["value"] for key in space.names])
    scattered = design + tolerances.made(space, 1000, seed=1)
    figures = surrogate.predict(np.clip(scattered, space.lower, space.upper))
    time, energy = figures["Charge time to 80 % [s]"] / 60, figures["Specific energy [W.h.kg-1]"]
    kept = np.mean([run.study.goal.feasible({k: v[i] for k, v in figures.items()}) for i in range(1000)])
    axis.scatter(time, energy, s=5, alpha=0.5, label=f"{name}: {100 * kept:.0f} % keep every limit")
axis.axvline(10, color="firebrick", linewidth=1)
axis.set(xlabel="Charge time to 80 % [min]", ylabel="Specific energy, C/3 discharge [Wh/kg]")
axis.legend()
plt.show()

# %%
checked = made["robust"].design.record["as_made"]
print(f"{checked['limits_met']} of {checked['designs']} simulated made designs keep every limit.")
