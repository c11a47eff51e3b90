"""A chart of dots and whiskers as SVG: for each row the contestants' ratios, as medians and quartiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from harness.series import Spread

#: Told apart also by those who do not see all colours (Okabe and Ito).
COLOURS = {
    "floor": "#999999",
    "vfork": "#56b4e9",
    "abi": "#0072b2",
    "core": "#cc79a7",
    "python": "#e69f00",
    "go": "#009e73",
    "original": "#d55e00",
}
NAMES = {
    "floor": "the floor",
    "vfork": "the floor by vfork",
    "abi": "libcni, C ABI",
    "core": "libcni, Rust",
    "python": "libcni, Python",
    "go": "libcni, Go",
    "original": "the Go original",
}
LEFT, WIDTH, RIGHT, TOP, ROW, DOT = 190, 520, 30, 92, 15, 4
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
FONT = "font-family='Helvetica, Arial, sans-serif'"


@dataclass
class Chart:
    title: str
    #: What is compared, and on which machine.
    notes: tuple[str, str]
    rows: list[tuple[str, dict[str, Spread]]]
    #: A line, where contestants are equal.
    equal: float = 1.0

    def svg(self) -> str:
        """The whole file. The scale is logarithmic: half and double are equally far from equal."""
        spreads = [spread for _, row in self.rows for spread in row.values()]
        least = min([self.equal, *(spread.low for spread in spreads)]) * 0.9
        most = max([self.equal, *(spread.high for spread in spreads)]) * 1.1
        span = math.log(most / least)

        def x(value: float) -> float:
            return LEFT + WIDTH * math.log(value / least) / span

        heights = [max(1, len(row)) * ROW + 10 for _, row in self.rows]
        bottom = TOP + sum(heights)
        size = f"width='{LEFT + WIDTH + RIGHT}' height='{bottom + 30}'"
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT} font-size='12'>",
            "<rect width='100%' height='100%' fill='white'/>",
        ]
        parts += [
            text(10, 22, self.title, size=16),
            *(text(10, 40 + 15 * i, note, fill="#555") for i, note in enumerate(self.notes)),
        ]
        parts += self._legend()
        for tick in TICKS:
            if least <= tick <= most:
                parts += [
                    line(x(tick), TOP, x(tick), bottom, "#ddd"),
                    text(x(tick), bottom + 16, f"{tick:g}", anchor="middle"),
                ]
        parts.append(line(x(self.equal), TOP, x(self.equal), bottom, "#333"))
        top = TOP
        for (label, row), height in zip(self.rows, heights):
            parts += [
                line(10, top, LEFT + WIDTH, top, "#eee"),
                text(LEFT - 8, top + height / 2 + 4, label, anchor="end"),
            ]
            for place, (name, spread) in enumerate(row.items()):
                y = top + 5 + ROW * (place + 0.5)
                title = f"<title>{NAMES[name]}: {spread.median:.2f} [{spread.low:.2f} {spread.high:.2f}]</title>"
                dot = f"<circle cx='{x(spread.median):.1f}' cy='{y:.1f}' r='{DOT}' fill='{COLOURS[name]}'/>"
                parts.append(f"<g>{title}{line(x(spread.low), y, x(spread.high), y, COLOURS[name], 2)}{dot}</g>")
            top += height
        return "\n".join([*parts, "</svg>\n"])

    def _legend(self) -> Iterator[str]:
        left = 16.0
        for name in dict.fromkeys(name for _, row in self.rows for name in row):
            yield f"<circle cx='{left}' cy='76' r='{DOT}' fill='{COLOURS[name]}'/>" + text(left + 9, 80, NAMES[name])
            left += 32 + 6.2 * len(NAMES[name])


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", fill: str = "#000") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{fill}'>{escape(words)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1) -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='{width}'/>"
