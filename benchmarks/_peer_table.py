"""The results of the peers as a table for people."""

from typing import Any

from _accuracy import CAPACITY, MARGIN, POTENTIAL_RMSE, SHARE_95, VOLTAGE_95, VOLTAGE_RMSE
from _peer import AT_TRUTH

COLUMNS = {
    CAPACITY: "capacity, median [%]",
    SHARE_95: "share, 95th",
    VOLTAGE_RMSE: "voltage, median [mV]",
    VOLTAGE_95: "95th",
    POTENTIAL_RMSE: "negative potential, median [mV]",
    MARGIN: "margin, median [mV]",
}
SPENT = {"choice among settings [s]": "choice [s]", "fit [s]": "fit [s]"}


def line(one: dict[str, Any]) -> str:
    """One result as a row of the table."""
    numbers = [f"{one['accuracy'][name]:.2g}" for name in COLUMNS]
    strict = [
        f"{one[AT_TRUTH][name]:.2g}" if AT_TRUTH in one else "–" for name in (VOLTAGE_RMSE, VOLTAGE_95)
    ]
    seconds = (f"{one[name]:.0f}" for name in SPENT)
    cells = (one["problem"], one["peer"], one["designs"], *numbers, *strict, *seconds)
    return "| " + " | ".join(map(str, cells)) + " |"


def table(result: dict[str, Any]) -> str:
    """All of them as Markdown."""
    head = (
        "problem",
        "method",
        "N",
        *COLUMNS.values(),
        "voltage at true charges",
        "95th",
        *SPENT.values(),
    )
    rows = sorted(
        result["measured"],
        key=lambda one: (one["problem"], one["designs"], one["accuracy"][CAPACITY]),
    )
    spent = result["network search"]
    problem, size = spent["on"]
    return f"""# Other methods on the same simulations, {result["date"]}

{result["machine"]}; {", ".join(" ".join(one) for one in result["versions"].items())}.

Errors over the 4,096 designs of the test sweep. Curves are compared at equal parts of the charge, which
favours these methods, and (two columns) at the truth's own charges. The plain network's settings are
the best of {spent["trials"]} trials of Optuna on {problem}, N = {size}
({spent["search [s]"]:.0f} s); at each N those, twice the steps, and four times the decay were compared
on held-out designs. Seconds are of one core that had other work beside.

| {" | ".join(head)} |
|{"---|" * len(head)}
""" + "".join(f"{line(one)}\n" for one in rows)
