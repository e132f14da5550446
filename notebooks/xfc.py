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
# # The ten-minute charge, and what energy it costs
#
# The study `xfc` asks for the most specific energy that `Chen2020`, its particle radii free, can hold when
# 80 % are to be charged in ten minutes, with no lithium plated and salt left everywhere. The charge is the
# fastest that a design allows: at every instant the largest current at which the negative electrode stays
# above lithium's potential.
#
# This notebook reads what `python benchmarks/studies.py xfc` found. Where that has not been run it does it
# all, in a quarter of an hour.

# %%
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import electrograd as eg
from electrograd.design.maps import design_map, telling_pair
from electrograd.designing import seen_by
from electrograd.front_command import traced
from electrograd.map_figure import draw_map
from electrograd.tables import leaning_lines

home = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "studies").is_dir())
runs, quiet = home / "runs/benchmark/studies", eg.Reporter(quiet=True)
run = eg.StudyRun(eg.load_study("xfc"), runs, quiet)
record = run.design.record
print(run.design.summary())

# %% [markdown]
# What holds it back, and what giving way would be worth:

# %%
for line in leaning_lines(record):
    print("-", line)

# %% [markdown]
# ## Around the design
#
# The surrogate, once it has seen what the search simulated, over the two variables that trade the goal for
# its limits most. The star lies where the limits that bind meet.

# %%
surrogate = seen_by(run.surrogate, record["search"]["explored_designs"])
best = {name: entry["value"] for name, entry in record["variables"].items()}
pair = telling_pair(surrogate, run.study.goal, best)
picture = BytesIO()
draw_map(design_map(surrogate, run.study.goal, best, pair), record).savefig(picture, dpi=150)
picture.seek(0)
figure, axis = plt.subplots(figsize=(6.5, 5.5), layout="constrained", dpi=80)
axis.imshow(plt.imread(picture))
axis.axis("off")
plt.show()

# %% [markdown]
# ## Energy against charge time
#
# Every point is a design that was simulated; none beats another of its study in both. `xfc_channels` cuts
# slits into the negative electrode, and is held to the same N/P ratio, counted after ablation.

# %%
names = ("Charge time to 80 % [s]", "Specific energy [W.h.kg-1]")
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained", dpi=80)
for study in ("xfc", "xfc_channels"):
    front = traced(eg.StudyRun(eg.load_study(study), runs, quiet))
    time, energy = np.array(
        [[point["simulated"][name] for name in names] for point in front["points"]]
    ).T
    axis.plot(time / 60, energy, "o-", markersize=4, label=study)
axis.legend()
axis.axvline(10, color="firebrick", linewidth=1)
axis.set(xlabel="Charge time to 80 % [min]", ylabel="Specific energy, C/3 discharge [Wh/kg]")
plt.show()
