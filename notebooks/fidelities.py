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
# # One design at every fidelity
#
# A fifth of a negative electrode is ablated as slits. What that is worth in a 2C charge depends on how
# closely one looks: the P2D does not know channels, the homogenised P2D believes that salt finds its way
# into them at once, and the others ask how far it has to go. All hold the same areal current.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from electrograd.physics.cell import Cell
from electrograd.physics.charge import CURRENT_DENSITY, LOSSES, NEGATIVE_POTENTIAL, VOLTAGE
from electrograd.physics.ladder import FIDELITIES, charge_at
from electrograd.physics.p2d import P2D
from electrograd.physics.scenario import Scenario, SolverSettings
from electrograd.physics.structure import Structure

design = {
    "N/P ratio": 1.15,  # of the coatings, before channels are cut
    "Positive electrode thickness [m]": 75e-6,
    "Negative electrode porosity": 0.25,  # of the matrix between the channels
    "Negative channel pitch [m]": 100e-6,
    "Negative channel width over pitch": 0.20,
    "Negative channel depth over thickness": 0.9,
}
cell = Cell.load("OKane2022", Structure.of(design, shape="slit"))
scenario = Scenario(c_rate=2.0, rate_of="coatings")

# %%
charges = {}
print(f"{'':14}{'Accepted [mAh/cm²]':>20}{'Plating margin [mV]':>21}{'Least salt [mol/m³]':>21}{'s':>6}")
for fidelity in FIDELITIES:
    began = time.perf_counter()
    charges[fidelity] = record = charge_at(fidelity, cell, design, scenario)
    row = (0.1 * record.accepted, 1e3 * record.plating_margin, record.least_electrolyte)
    taken = time.perf_counter() - began
    print(f"{fidelity:14}{row[0]:20.3f}{row[1]:21.2f}{row[2]:21.0f}{taken:6.1f}")

# %% [markdown]
# Three dimensions repeat the slit, as they must: it is the same along the third. Of what the homogenised
# P2D promises for channels 100 µm apart, somewhat more than half is left when the way to them is resolved.
# The P2D on columns of nodes sees that too. The seconds hold the building of each model: the first three
# are built once and then charge any geometry in less than a tenth of a second, the resolved ones are built
# anew for each.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", dpi=80)
looks = dict(zip(FIDELITIES, ("0.6", "tab:orange", "tab:green", "tab:blue", "black"), strict=True))
for fidelity, record in charges.items():
    passed = 0.1 * record.charge
    style = {
        "color": looks[fidelity],
        "linestyle": {"solid": ":", "p2d-columns": "--"}.get(fidelity, "-"),
    }
    axes[0].plot(passed, record.observables[VOLTAGE], label=fidelity, **style)
    axes[1].plot(passed, 1e3 * record.observables[NEGATIVE_POTENTIAL], **style)
axes[0].set(xlabel="Charge passed [mAh/cm²]", ylabel="Voltage [V]", ylim=(3.4, 4.25))
axes[0].legend(frameon=False)
axes[1].axhline(0, color="firebrick", linewidth=1)
axes[1].set(xlabel="Charge passed [mAh/cm²]", ylabel="Negative electrode vs Li [mV]", ylim=(-80, 150))
plt.show()

# %% [markdown]
# ## Where the voltage goes
#
# The voltage is the open-circuit voltage and five losses, at every fidelity. Channels can only save on the
# two bands of the electrolyte, green and red: particles and kinetics stay as they are, and kinetics get no
# better by losing a fifth of the surface.

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained", dpi=80, sharey=True)
colours = ["#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3"]
for axis, fidelity in zip(axes, ("p2d", "p2d-channels", "p2d-columns"), strict=True):
    record = charges[fidelity]
    losses = [1e3 * record.observables[name] for name in list(LOSSES)[1:]]
    labels = list(LOSSES.values())[1:]
    axis.stackplot(0.1 * record.charge, losses, labels=labels, colors=colours)
    axis.set(xlabel="Charge passed [mAh/cm²]", title=fidelity, ylim=(0, None))
    total = sum(record.observables[name] for name in LOSSES)
    assert np.allclose(total, record.observables[VOLTAGE], atol=1e-4)
axes[0].set_ylabel("Loss of voltage [mV]")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %% [markdown]
# ## The same electrode, charged otherwise
#
# One built model knows every protocol. In the plating-limited charge the current is at each instant the
# largest that keeps current, voltage and negative potential within their limits.

# %%
protocols = {
    "constant current, constant voltage": Scenario(2.0, hold_voltage=True, charge_limit=0.9),
    "three stages": Scenario(
        2.0, later_stages=((0.3, 1.2), (0.5, 0.7)), hold_voltage=True, charge_limit=0.9
    ),
    "plating-limited": Scenario(4.0, hold_voltage=True, plating_potential=0.0, charge_limit=0.9),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", dpi=80)
for name, protocol in protocols.items():
    record = P2D(cell, protocol, SolverSettings()).charge(cell.parameters(design))
    share = 100 * record.charge / record.nominal
    minutes = record.time_to(0.8) / 60
    axes[0].plot(share, record.observables[CURRENT_DENSITY] / record.nominal, label=name)
    axes[1].plot(share, 1e3 * record.observables[NEGATIVE_POTENTIAL])
    print(f"{name:36} 80 % in {minutes:5.1f} min, least {1e3 * record.plating_margin:6.1f} mV")
axes[0].set(xlabel="Share of nominal capacity [%]", ylabel="C-rate")
axes[0].legend(frameon=False, fontsize=8)
axes[1].axhline(0, color="firebrick", linewidth=1)
axes[1].set(
    xlabel="Share of nominal capacity [%]", ylabel="Negative electrode vs Li [mV]", ylim=(-60, 150)
)
plt.show()
