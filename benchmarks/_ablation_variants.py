"""The variants of an ablation: forms, losses and scalings, each changed alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from electrograd.surrogates.curve_physics import SLOW, Form

EVERYTHING = "everything"
NOTHING = Form(groups=False, estimates=False, zero_rate=False, potentials=False)


@dataclass(frozen=True)
class Variant:
    """How one network differs from the package's own.

    Attributes
    ----------
    says
        In words, for the table.
    against
        The variant that it is compared with.
    form
        Physics in its form.
    settings
        Weights of losses, or the seed.
    slow
        Scale of the inputs that hold for a whole charge, see `curve_physics.SLOW`.
    """

    says: str
    against: str = EVERYTHING
    form: Form = field(default_factory=Form)
    settings: Mapping[str, Any] = field(default_factory=dict)
    slow: float = SLOW


# Without potentials voltages are the network's own outputs, which estimates and the limit of zero rate
# then do not touch: so "groups alone" is also "everything but potentials".
VARIANTS: dict[str, Variant] = {
    EVERYTHING: Variant("everything"),
    "plain": Variant("nothing: a plain coordinate network", form=NOTHING),
    "seed": Variant("everything, another seed: what chance does", settings={"seed": 1}),
    "no-groups": Variant("without dimensionless groups", form=Form(groups=False)),
    "no-salt": Variant("without how salt runs out along the charge", form=Form(salt=False)),
    "no-estimates": Variant(
        "without closed-form estimates, zero-rate limit kept", form=Form(estimates=False)
    ),
    "no-zero-rate": Variant(
        "without estimates nor zero-rate limit", form=Form(estimates=False, zero_rate=False)
    ),
    "groups": Variant(
        "groups alone, which is without potentials",
        form=Form(estimates=False, zero_rate=False, potentials=False),
    ),
    "potentials": Variant(
        "potentials, balances and bounds alone",
        form=Form(groups=False, estimates=False, zero_rate=False),
    ),
    "potentials-zero-rate": Variant(
        "potentials and zero-rate limit alone", form=Form(groups=False, estimates=False)
    ),
    "fast": Variant("slow inputs as large as the others", slow=1.0),
    "monotonicity-0.1": Variant("loss: monotonicity, weight 0.1", settings={"monotonicity": 0.1}),
    "monotonicity-1": Variant("loss: monotonicity, weight 1", settings={"monotonicity": 1.0}),
    "slopes": Variant("loss: slopes of curves, weight 0.1", settings={"slopes": 0.1}),
    "slopes-1": Variant("loss: slopes of curves, weight 1", settings={"slopes": 1.0}),
    "twice": Variant(
        "twice the points a step, which the loss of slopes sees too", settings={"batch": 512}
    ),
    "plain-monotonicity": Variant(
        "nothing, loss: monotonicity, weight 1", "plain", NOTHING, {"monotonicity": 1.0}
    ),
    "zero-rate-loss": Variant(
        "potentials alone, loss: zero-rate limit, weight 0.1",
        "potentials",
        Form(groups=False, estimates=False, zero_rate=False),
        {"zero_rate": 0.1},
    ),
}
