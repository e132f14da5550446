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
# # Which parameters does this cell have?
#
# Three charges of one cell, at 0.3C, 0.75C and 1.5C. Its porosity, tortuosity, diffusivity and kinetics are
# wanted. The study `identify` has such curves: simulated in PyBaMM on a mesh three times as fine as the
# surrogate's, from planted values, with 1 mV of noise added. The notebook reads what
# `python benchmarks/identification.py` left, or sweeps and learns first, in some minutes.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import electrograd as eg
from electrograd.identify_command import identification_lines

home = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "studies").is_dir())
study = eg.load_study("identify")
record = eg.identify(study, home / "runs/benchmark/identification", eg.Reporter(quiet=True))
print("\n".join(identification_lines(record)))

# %% [markdown]
# ## What was planted
#
# It stands in the first line of the curves' files.

# %%
planted = dict(
    part.split(" = ")
    for part in Path(study.identify_section.curves[0])
    .read_text()
    .split("with ")[1]
    .split("),")[0]
    .split(", ")
)
for name, value in planted.items():
    found = record["estimates"][name]
    inside = found["5 %"] < float(value) < found["95 %"]
    print(f"{name}: {value}, {'inside' if inside else 'outside'} the 90 % interval")

# %% [markdown]
# ## Curves, and what is left of them
#
# The best fit, simulated in PyBaMM, beside the readings that were compared.

# %%
folder = home / "runs/benchmark/identification" / study.name / "identification"
table = np.genfromtxt(folder / "curves.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
figure, (above, below) = plt.subplots(
    2, 1, figsize=(6, 4.6), sharex=True, height_ratios=(2, 1), layout="constrained", dpi=80
)
for curve in record["curves"]:
    rows = table[table["file_"] == curve["file"]]
    charge, measured, simulated = rows["Charge_Ahm2"], rows["Voltage_V"], rows["Simulated_voltage_V"]
    (line,) = above.plot(charge, simulated, linewidth=1, label=f"{curve['C-rate at the best fit']:.2g}C")
    above.plot(charge, measured, ".", color=line.get_color(), markersize=4)
    below.plot(charge, 1e3 * (measured - simulated), ".-", color=line.get_color(), linewidth=0.7)
below.axhspan(-2, 2, color="grey", alpha=0.2)
above.set(ylabel="Voltage [V]")
above.legend()
below.set(xlabel="Charge passed [A.h/m²]", ylabel="Measured − simulated [mV]")
plt.show()

# %% [markdown]
# ## What goes together
#
# Draws of the posterior: a higher porosity goes with a higher Bruggeman coefficient. The tortuosity that both
# make, ε^(1-β), has a posterior of its own.

# %%
draws = np.genfromtxt(folder / "posterior.csv", delimiter=",", skip_header=1)
porosity, bruggeman = draws[:, 0], draws[:, 1]
figure, (left, right) = plt.subplots(1, 2, figsize=(6.5, 3), layout="constrained", dpi=80)
left.plot(porosity, bruggeman, ".", markersize=2, alpha=0.4)
left.plot(
    float(planted["Negative electrode porosity"]),
    float(planted["Negative electrode Bruggeman coefficient (electrolyte)"]),
    "k+",
    markersize=12,
    label="planted",
)
left.set(xlabel="Negative electrode porosity", ylabel="Bruggeman coefficient")
left.legend()
right.hist(porosity ** (1 - bruggeman), bins=40)
right.set(xlabel="Tortuosity of the negative electrode", yticks=[])
plt.show()

# %% [markdown]
# ## Before any fit
#
# What share of what was held possible the curves were expected to leave, and what they left.

# %%
for name, expected in record["before"]["deviation left [share of the prior's]"].items():
    left = record["posterior"]["deviation left [share of the prior's]"][name]
    print(f"{name:<55} expected {100 * expected:5.1f} %, found {100 * left:5.1f} %")
