"""What a study file asks about a cell besides a design: which variable matters, what curves tell."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from electrograd.design.sensitivity_inputs import LEAST_OF_FAST
from electrograd.study_sections import Section, Seed, beside


class NormalSection(Section):
    """A variable that is normal, cut at its bounds."""

    mean: float
    deviation: Annotated[float, Field(alias="standard deviation")]


class IdentifySection(Section):
    """Measured charges of a cell, from which the study's variables are estimated."""

    curves: Annotated[list[str], Field(min_length=1)]
    noise: Annotated[float | None, Field(alias="noise [mV]", gt=0, le=100)] = None
    area: Annotated[float | None, Field(alias="area [m2]", gt=0, le=1e4)] = None
    columns: dict[Literal["time", "current", "voltage"], str] = Field(default_factory=dict)
    charges: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    seed: Seed = 0

    @field_validator("curves")
    @classmethod
    def _beside_the_study(cls, value: list[str], info: Any) -> list[str]:
        return [beside(path, info) for path in value]


class SensitivitySection(Section):
    """By which method it is told which variable matters, and with how many samples: a power of two."""

    method: Literal["sobol", "morris", "fast", "pawn", "dgsm"] = "sobol"
    second_order: Annotated[bool, Field(alias="second order")] = False
    samples: Annotated[int, Field(ge=2, le=2**20)] = 1024
    seed: Seed = 0
    normal: dict[str, NormalSection] = Field(default_factory=dict)
    groups: dict[str, list[str]] = Field(default_factory=dict)
    check: str | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> "SensitivitySection":
        if self.groups and self.method not in ("sobol", "morris"):
            raise ValueError("'groups' are of the methods 'sobol' and 'morris'")
        if self.check is not None and (self.method != "sobol" or self.normal or self.groups):
            raise ValueError("'check' is of the method 'sobol', each variable even and alone")
        if self.second_order and self.method != "sobol":
            raise ValueError("'second order' is of the method 'sobol'")
        if self.method == "fast" and self.samples < LEAST_OF_FAST:
            raise ValueError(f"the method 'fast' needs {LEAST_OF_FAST} samples at least")
        return self
