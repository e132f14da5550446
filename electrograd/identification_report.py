"""``report.html`` of an identification: one page that needs nothing beside it."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from markupsafe import Markup

from electrograd import figures
from electrograd.design.identification import Identified
from electrograd.identification_figures import corner, curves_and_residuals, uncertainty_bars
from electrograd.identify_command import told
from electrograd.report import as_svg, template
from electrograd.surrogates.checkpoint import write_atomic


def write_page(folder: Path, record: dict[str, Any], found: Identified) -> Path:
    """Draw the pictures into ``figures/`` and write the page; return its path."""
    with mpl.rc_context(figures.STYLE):
        drawn = {
            "curves": as_svg(curves_and_residuals(found)),
            "posterior": as_svg(corner(found)),
            "uncertainty": as_svg(uncertainty_bars(found)),
        }
    (folder / "figures").mkdir(exist_ok=True)
    for name, svg in drawn.items():
        write_atomic(folder / "figures" / f"{name}.svg", svg.encode())
    physics = found.model.surrogate.physics
    page = template("identification.html.jinja").render(
        record=record,
        cell=physics.cell.name,
        bounds={axis.name: axis for axis in found.model.axes},
        told=told,
        drawn={name: Markup(svg[svg.index("<svg") :]) for name, svg in drawn.items()},
    )
    write_atomic(folder / "report.html", page.encode())
    return folder / "report.html"
