"""The one place that imports PyBaMM: slow to import, so asked for late; its telemetry stays off."""

import os

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import pybamm

__all__ = ["pybamm"]
