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
# The study `xfc` asks for the most specific energy that `Chen2020`, its particle radii free, can hold when 80 %
# are to be charged in ten minutes, with no lithium plated and salt left everywhere. The charge is the
# fastest that a design allows: at every instant the largest current at which the negative electrode stays
# above lithium's potential. This notebook reads what `python benchmarks/studies.py xfc` found; where that
# has not been run, it does it all, in a quarter of an hour.

# %%
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
run = eg.StudyRun(eg.load_study("xfc"), home / "runs/benchmark/studies", eg.Reporter(quiet=True))
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
# its limits most. The star lies where charge time and salt bind together.

# %%
surrogate = seen_by(run.surrogate, record["search"]["verified_designs"])
best = {name: entry["value"] for name, entry in record["variables"].items()}
pair = telling_pair(surrogate, run.study.goal, best)
figure = draw_map(design_map(surrogate, run.study.goal, best, pair), record)
plt.figure(figure.get_size_inches().tolist(), dpi=80).canvas
figure.set_dpi(90)
figure

# %% [markdown]
# ## Energy against charge time
#
# Every point is a design that was simulated; none beats another in both.

# %%
front = traced(run)
minutes = np.array([point["simulated"]["Charge time to 80 % [s]"] for point in front["points"]]) / 60
energy = np.array([point["simulated"]["Specific energy [W.h.kg-1]"] for point in front["points"]])
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained", dpi=80)
axis.plot(minutes, energy, "o-", markersize=4)
axis.axvline(10, color="firebrick", linewidth=1)
axis.set(xlabel="Charge time to 80 % [min]", ylabel="Specific energy, C/3 discharge [Wh/kg]")
plt.show()
