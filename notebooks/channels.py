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
# # What channels are worth
#
# The study `channels` holds the positive electrode and the areal current, 3.2 times its capacity, and asks for
# the most that one constant-current charge takes up in a stack of at least 320 Wh/kg: with slits ablated
# into the negative electrode, and without (`uniform`). It reads what `electrograd packages channels` left in
# `runs/benchmark/studies`, or does it, in five minutes.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import electrograd as eg
from electrograd.overview import overview_lines
from electrograd.packages_command import run_packages
from electrograd.physics.figures import DesignSimulator

home = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "studies").is_dir())
runs, quiet = home / "runs/benchmark/studies", eg.Reporter(quiet=True)
study = eg.load_study("channels")
made = run_packages(study, runs, quiet)
print("\n".join(overview_lines(made)))

# %% [markdown]
# ## Against the same electrode without its channels
#
# Papers quote the gain over the electrode that was cut: +66 % capacity at 3.2C (Sui et al. 2022, baseline not
# stated), +79 % specific energy (Gao and Lu 2020). A designer's question is another: what is gained over the
# best electrode that can be had without them?

# %%
accepted = "Accepted capacity [A.h.m-2]"
best = {name: entry["value"] for name, entry in made[0].record["variables"].items()}
run = eg.StudyRun(study, runs, quiet)
simulate = DesignSimulator(study.loaded_cell, study.scenario, run.finer)
uncut = simulate({**best, "Negative channel width over pitch": 0.0}).figures[accepted]
cut, uniform = (one.record["figures_of_merit"][accepted]["simulated"] for one in made)
resolved = made[0].record["resolved_channels"][accepted]
values = {
    "the same, uncut": uncut,
    "best uniform": uniform,
    "best with slits": cut,
    "the same, resolved": resolved,
}
for name, value in values.items():
    print(f"{name:20s} {value / 10:.3f} mAh/cm²   slits over it: {100 * (cut / value - 1):+.1f} %")

# %%
figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained", dpi=80)
axis.barh(list(values), [value / 10 for value in values.values()], color=["grey"] * 2 + ["tab:blue"] * 2)
axis.invert_yaxis()
axis.set(xlabel="Accepted capacity at 3.2C, held areal current [mAh/cm²]")
plt.show()
