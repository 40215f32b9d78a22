"""The results as an SVG: a panel of bars for each case, weft's bar in colour. Readable on light and dark pages."""

from html import escape

from programs import PROGRAMS
from scenarios import MEMORY

# Case, what its panel says, and the figure when it is not the case's own.
PANELS = [
    ("S1.same", "1 connection × 1 in flight, one core: p50, less is better", None),
    ("S2", "64 connections × 1 in flight: requests/s", None),
    ("S3", "64 × 32: requests/s", None),
    ("S4.strings", "16 × 16, 4 KiB strings: requests/s", None),
    ("S4.objects", "16 × 16, 4 KiB of nested objects: requests/s", None),
    ("S5", "5,000 requests/s, open loop: p99, less is better", "latency_p99_us"),
    ("S6.plain", "idle connection: KiB of memory, less is better", None),
    ("S7.64x1", "two hops, 64 × 1: requests/s", None),
    ("S8.64x1", "registered service, 64 × 1: requests/s", None),
]
COLUMNS = 2
PANEL_WIDTH, BAR_HEIGHT, BAR_GAP, TITLE_HEIGHT, PANEL_GAP = 500, 15, 5, 28, 22
LABEL_WIDTH, VALUE_WIDTH, MARGIN = 236, 46, 16

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #afb8c1 } .limit { fill: #d0d7de; stroke: #8c959f } .weft { fill: #0969da }
.strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .bar { fill: #57606a } .limit { fill: #30363d; stroke: #8b949e } .weft { fill: #58a6ff }
}
"""


def bars(results, case, key):
    """(row, label, value) of a panel, the best first: ratios to the limit, or KiB."""
    found = []
    for row, (program, _) in case.rows.items():
        if not results.has(case.name, row):
            continue
        if case.figure is MEMORY:
            value = results.median(case.name, row, MEMORY.key) / 1024
        elif results.has(case.name, "limit"):
            value = results.ratio(key or case.figure.key, (case.name, row), (case.name, "limit"))
        else:
            continue
        found.append((row, PROGRAMS[program].title.partition(":")[0], value))
    return sorted(found, key=lambda bar: bar[2], reverse=case.figure.higher_is_better)


def panel_height(count):
    return TITLE_HEIGHT + count * (BAR_HEIGHT + BAR_GAP) + PANEL_GAP


def panel(x, y, text, shown):
    unit = (PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH) / max(value for _, _, value in shown)
    lines = [f'<text class="title" x="{x}" y="{y + 13}">{escape(text)}</text>']
    y += TITLE_HEIGHT
    for row, label, value in shown:
        style = row if row in ("limit", "weft") else "bar"
        strong = ' class="strong"' if row == "weft" else ""
        middle = y + BAR_HEIGHT - 3
        width = max(1.0, value * unit)
        lines.append(f'<text{strong} x="{x + LABEL_WIDTH - 8}" y="{middle}" text-anchor="end">{escape(label)}</text>')
        lines.append(f'<rect class="{style}" x="{x + LABEL_WIDTH}" y="{y}" width="{width:.1f}" '
                     f'height="{BAR_HEIGHT}" rx="2"/>')
        lines.append(f'<text{strong} x="{x + LABEL_WIDTH + width + 6:.1f}" y="{middle}">{value:.2f}</text>')
        y += BAR_HEIGHT + BAR_GAP
    return lines


def svg(results):
    """The whole chart; panels of cases that were not measured are left out."""
    by_name = {case.name: case for case in results.cases}
    panels = [(text, bars(results, by_name[name], key)) for name, text, key in PANELS if name in by_name]
    panels = [(text, shown) for text, shown in panels if shown]
    lines, y = [], MARGIN
    for first in range(0, len(panels), COLUMNS):
        line = panels[first:first + COLUMNS]
        for column, (text, shown) in enumerate(line):
            lines += panel(MARGIN + column * (PANEL_WIDTH + PANEL_GAP), y, text, shown)
        y += panel_height(max(len(shown) for _, shown in line))
    width = 2 * MARGIN + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * PANEL_GAP
    caption = "Rates and latencies are multiples of the limit: a bare epoll loop that answers with a fixed reply"
    lines.append(f'<text x="{MARGIN}" y="{y}">{caption}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + MARGIN}" width="{width}" '
            f'height="{y + MARGIN}" role="img">\n<style>{STYLE}</style>\n' + "\n".join(lines) + "\n</svg>\n")
