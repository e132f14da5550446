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
# # Why a charge ends where it does
#
# A design is worth more with a reason. `electrograd why` simulates a study's design and its baseline again,
# with every part of their voltage, reads the limiting process off the simulation, and tries what could be
# changed, each change simulated.

# %%
import matplotlib.pyplot as plt
import numpy as np

import electrograd as eg
from electrograd.physics.cell import Cell
from electrograd.physics.limiting import Explainer, loss_breakdown
from electrograd.physics.remedies import REMEDIES
from electrograd.physics.scenario import Scenario
from electrograd.why_view import group_rows, why_lines

run = eg.StudyRun(eg.load_study("fast_charge"), reporter=eg.Reporter(quiet=True))
print(run.design.summary())

# %%
for line in why_lines(run.why):
    print(line)

# %% [markdown]
# The dimensionless groups stand beside it (design, baseline, and what the group is where it limits nothing):

# %%
for words, design, baseline, good in group_rows(run.why):
    print(f"{words:<78} {design:>8} {baseline:>8}  {good}")

# %% [markdown]
# ## A cell that runs out of salt
#
# A thick, dense electrode at 1.5C. Its voltage, part by part, and the sentence.

# %%
cell = Cell.load("Chen2020")
explain = Explainer(cell, Scenario(1.5))
thick = {
    "N/P ratio": 1.1,
    "Positive electrode thickness [m]": 95e-6,
    "Negative electrode porosity": 0.2,
}
charge, limit = explain(thick)
print(limit.sentence)
losses = loss_breakdown(charge)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", dpi=80)
parts = list(losses.parts)[1:]
axes[0].stackplot(
    100 * losses.share, *(1e3 * np.maximum(losses.parts[name], 0) for name in parts), labels=parts
)
axes[0].axvline(100 * limit.since, color="black", linestyle="--", linewidth=1)
axes[0].set(xlabel="Charge in the cell [% of nominal]", ylabel="Voltage above open circuit [mV]")
axes[0].set_ylim(0, 900)
axes[0].legend(fontsize=7, ncols=2, loc="upper left")
names = sorted(limit.gains, key=lambda name: limit.gains[name])
axes[1].barh(
    [REMEDIES[name].words.replace(" or straighter", "\nor straighter") for name in names],
    [100 * limit.gains[name] for name in names],
)
axes[1].tick_params(axis="y", labelsize=8)
axes[1].set(xlabel="Gain [percentage points of the nominal capacity]")
plt.show()

# %% [markdown]
# ## A charge in which limits are held
#
# At up to 6C the current gives way so that no lithium plates. What counts is the limit that is held the longest,
# and a change is worth the time it saves.

# %%
quick = {
    "Positive electrode thickness [m]": 50e-6,
    "Negative particle radius [m]": 3e-6,
    "Positive particle radius [m]": 1e-6,
}
held = Scenario(6.0, hold_voltage=True, plating_potential=0.0, hold_until=0.2)
_, limit = Explainer(cell, held)(quick)
print(limit.sentence)
for name, gain in sorted(limit.gains.items(), key=lambda item: -item[1]):
    print(f"{REMEDIES[name].words:<56} {100 * gain:5.1f} % less time")
