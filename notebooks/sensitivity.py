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
# # Which variable matters
#
# Where does the scatter of a figure of merit over the design box come from? The study `fast_charge` has four
# variables; its surrogate answers in seconds what would take PyBaMM hours, and PyBaMM checks it at few
# samples. What each method tells is in `docs/sensitivity.md`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from SALib.sample import sobol as saltelli

import electrograd as eg
from electrograd.design.sensitivity import sobol_indices
from electrograd.design.sensitivity_check import checked_indices
from electrograd.design.sensitivity_inputs import Inputs
from electrograd.physics.p2d import P2D
from electrograd.tables import check_lines, label_of, sensitivity_lines

study = eg.load_study("fast_charge")
run = eg.StudyRun(study, reporter=eg.Reporter(quiet=True))
share, margin = "Accepted share of nominal capacity", "Plating margin [V]"
found = run.sensitivity
for line in sensitivity_lines({"indices": {name: found["indices"][name] for name in (share, margin)}}):
    print(line)

# %% [markdown]
# Total index: the part of the variance that would stay if all other variables were known. What follows ± is
# half of a 95 % interval, finitely many samples and the surrogate's own error together. The right picture
# leads one variable at a time from bound to bound: it has a sign and a unit, but knows no interactions.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained", dpi=80)
indices, led = found["indices"][margin], found["swings"][margin]
names = sorted(indices, key=lambda name: indices[name]["total"])
labels = [label_of(name) for name in names]
axes[0].barh(
    labels,
    [indices[name]["total"] for name in names],
    xerr=[indices[name]["total confidence"] for name in names],
    capsize=3,
)
axes[0].set(xlabel="Total index of the plating margin", xlim=(0, None))
for k, name in enumerate(names):
    low, high = (1e3 * (value - led["centre"]) for value in led["swings"][name])
    axes[1].barh(k, low, color="tab:brown", label="lower bound" if k == 0 else None)
    axes[1].barh(k, high, color="tab:cyan", label="upper bound" if k == 0 else None)
axes[1].set(yticks=[], xlabel="Change of the plating margin [mV]")
axes[1].legend()
plt.show()

# %% [markdown]
# ## Through the charge
#
# The same shares for the potential that decides plating, against charge passed, up to where half of the designs
# have ended.

# %%
along = found["along the charge"]
potential = "Negative electrode surface potential difference at separator interface [V]"
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained", dpi=80)
for name, index in along["curves"][potential].items():
    axis.plot(100 * np.array(along["share"]), index["total"], label=label_of(name))
axis.set(xlabel="Charge passed [% of nominal]", ylabel="Total index", ylim=(0, 1))
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## Pairs, groups, other distributions
#
# What two porosities do together, taken as one; and with a positive thickness that is held to 60 µm ± 2 µm,
# little is left for it to explain.

# %%
surrogate = run.surrogate
pores = ["Negative electrode porosity", "Positive electrode porosity"]
grouped = Inputs(surrogate.space, groups={"porosities": pores})
held = Inputs(surrogate.space, normal={"Positive electrode thickness [m]": (60e-6, 2e-6)})
for inputs in (grouped, held):
    index = sobol_indices(surrogate.predict, inputs, [margin], 1024, seed=0)[margin]
    print(
        {
            label_of(name): round(float(total), 2)
            for name, total in zip(index.names, index.total, strict=True)
        }
    )

# %% [markdown]
# ## Checked on PyBaMM itself
#
# Thirty-two base samples are too few for the indices, but enough for the check: on the same designs the error of
# few samples is the same in both. The demo's short training
# leaves differences of 0.03; the surrogates of the reference problem R1 come within 0.006
# (`benchmarks/results/sensitivity.md`). In a study, `check:` names a sweep with the sampler `saltelli`.

# %%
base = 32
unit = saltelli.sample(Inputs(surrogate.space).problem(), base, calc_second_order=False, seed=0)
designs = surrogate.space.from_unit(unit)
cell, names = study.loaded_cell, surrogate.space.names
model = P2D(cell, study.scenario, study.solver)
charges = [
    model.charge(cell.parameters(dict(zip(names, map(float, row), strict=True)))) for row in designs
]
simulated = {
    share: np.array([charge.accepted / charge.nominal for charge in charges]),
    margin: np.array([charge.plating_margin for charge in charges]),
}
check = checked_indices(names, simulated, surrogate.predict(designs), base, seed=0)
for line in check_lines(check.to_dict()):
    print(line)

# %% [markdown]
# The design that all this is about:

# %%
print(run.design.summary())
