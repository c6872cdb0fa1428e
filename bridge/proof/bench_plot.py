"""Draws lines over time as an SVG: a panel for each kind of figure, one above the other. Pure: values in, text out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Point = tuple[float, float]

WIDTH = 900
PANEL = 300
LEFT, RIGHT, ABOVE, BELOW = 70, 30, 60, 50
"""Margins of a panel, within which its lines are drawn."""
TITLE = 50
TICKS = 5
LEGEND_EACH = 190
_LEGEND_KEY = 18


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and what the legend calls it; lines of one name look alike. `dashed`: a yardstick beside the others."""

    name: str
    points: Sequence[Point]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share their axes. `unit`: what the height means. Across is time in seconds."""

    title: str
    unit: str
    lines: Sequence[Line]


def svg(title: str, panels: Sequence[Panel]) -> str:
    """The whole picture."""
    height = TITLE + PANEL * len(panels)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    letters = 'font-family="system-ui, sans-serif" font-size="12" fill="#333"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {letters}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="32" font-size="18" font-weight="600">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        drawn.append(f'<g transform="translate(0 {TITLE + number * PANEL})">')
        drawn.extend(_panel(panel))
        drawn.append("</g>")
    drawn.append("</svg>\n")
    return "\n".join(drawn)


def _panel(panel: Panel) -> Iterator[str]:
    points = [point for line in panel.lines for point in line.points]
    across = ticks(max((x for x, _ in points), default=0.0))
    up = ticks(max((y for _, y in points), default=0.0))
    wide, high = WIDTH - LEFT - RIGHT, PANEL - ABOVE - BELOW
    yield f'<text x="{LEFT}" y="16" font-size="14" font-weight="600">{escape(panel.title)}</text>'
    yield from _legend(panel.lines)
    for value in up:
        y = ABOVE + high * (1 - value / up[-1])
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'
    for value in across:
        x = LEFT + wide * value / across[-1]
        yield f'<text x="{x:.1f}" y="{ABOVE + high + 18}" text-anchor="middle">{value:g}</text>'
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{ABOVE + high}" y2="{ABOVE + high}" stroke="#888"/>'
    middle = ABOVE + high / 2
    yield (
        f'<text x="16" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 16 {middle:.1f})">'
        f"{escape(panel.unit)}</text>"
    )
    yield f'<text x="{LEFT + wide / 2:.1f}" y="{ABOVE + high + 36}" text-anchor="middle">seconds</text>'
    for line in panel.lines:
        places = " ".join(
            f"{LEFT + wide * x / across[-1]:.1f},{ABOVE + high * (1 - y / up[-1]):.1f}"
            for x, y in line.points
        )
        yield (
            f'<polyline points="{places}" fill="none" stroke="{line.colour}" stroke-width="1.8"'
            f' stroke-linejoin="round"{_dashes(line)}/>'
        )


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    for number, line in enumerate({line.name: line for line in lines}.values()):
        x = LEFT + number * LEGEND_EACH
        yield (
            f'<line x1="{x}" x2="{x + _LEGEND_KEY}" y1="36" y2="36" stroke="{line.colour}" stroke-width="2.5"'
            f"{_dashes(line)}/>"
        )
        yield f'<text x="{x + _LEGEND_KEY + 6}" y="40">{escape(line.name)}</text>'


def _dashes(line: Line) -> str:
    return ' stroke-dasharray="6 4"' if line.dashed else ""


TINY = 1e-300
"""Less than this cannot be divided: it is drawn as nothing."""


def ticks(largest: float) -> list[float]:
    """Round values from 0 to at least this one, equally far apart."""
    if largest < TINY:
        return [0.0, 1.0]
    rough = largest / TICKS
    unit = 10.0 ** floor(log10(rough))
    step = unit * next(round_one for round_one in (1, 2, 2.5, 5, 10) if round_one * unit >= rough * 0.999999)
    return [step * number for number in range(ceil(largest / step - 1e-9) + 1)]
