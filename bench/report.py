"""The results for people: tables on the terminal, the page docs/performance/results.md, the table of the README."""

import textwrap

from programs import PROGRAMS
from scenarios import ITEMS, LATENCY, MEMORY, RATE

WIDTH = 120
SATURATED = "client had no CPU left"


def paragraph(*sentences):
    return textwrap.fill(" ".join(sentence for sentence in sentences if sentence), WIDTH, break_on_hyphens=False)


def title(row):
    """Rows that are no program's name say what is special about them."""
    return PROGRAMS[row["program"]].title if row["row"] in PROGRAMS else row["row"]


def times(spread):
    return f"{spread['median']:.2f}" if spread else "–"


def with_spread(spread):
    return f"{spread['median']:.2f} ({spread['lowest']:.2f}–{spread['highest']:.2f})" if spread else "–"


def marks(row):
    found = []
    if row.get("client_saturated"):
        found.append(SATURATED)
    if row["disturbed"]:
        found.append("disturbed")
    if row.get("closed_by_server"):
        found.append(f"closed {row['closed_by_server']:,} connections")
    return ", ".join(found)


LOAD_COLUMNS = [
    ("requests/s", lambda row: f"{row['requests_per_second']:,.0f}"),
    ("x limit", lambda row: with_spread(row["to_limit"])),
    ("x weft", lambda row: with_spread(row["to_weft"])),
    ("p50 µs", lambda row: f"{row['latency_p50_us']:,.1f}"),
    ("p99 µs", lambda row: f"{row['latency_p99_us']:,.1f}"),
    ("p99.9 µs", lambda row: f"{row['latency_p99_9_us']:,.1f}"),
    ("server CPU", lambda row: f"{row['server_cpu_percent']:.0f} %"),
    ("µs/request", lambda row: f"{row['server_us_per_request']:.2f}"),
    ("client CPU", lambda row: f"{row['client_cpu_percent']:.0f} %"),
    ("", marks),
]
STREAM_COLUMNS = [
    ("items/s", lambda row: f"{row['items_per_second']:,.0f}"),
    ("x limit", lambda row: with_spread(row["to_limit"])),
    ("x weft", lambda row: with_spread(row["to_weft"])),
    ("MB/s", lambda row: f"{row['bytes_per_second'] / 1e6:,.0f}"),
    ("first item p50 µs", lambda row: f"{row['first_item_p50_us']:,.0f}"),
    ("p99 µs", lambda row: f"{row['first_item_p99_us']:,.0f}"),
    ("between items p99 µs", lambda row: f"{row['between_items_p99_us']:,.0f}"),
    ("server CPU", lambda row: f"{row['server_cpu_percent']:.0f} %"),
    ("items/s per core", lambda row: f"{row['items_per_server_core']:,.0f}"),
    ("client CPU", lambda row: f"{row['client_cpu_percent']:.0f} %"),
    ("", marks),
]
MEMORY_COLUMNS = [
    ("connections", lambda row: f"{row['connections']:,.0f}"),
    ("bytes each", lambda row: f"{row[MEMORY.key]:,.0f}"),
    ("x weft", lambda row: with_spread(row["to_weft"])),
    ("", marks),
]


def table(results, case, name=title):
    """The header and one line of cells per program."""
    columns = {MEMORY: MEMORY_COLUMNS, ITEMS: STREAM_COLUMNS}.get(case.figure, LOAD_COLUMNS)
    lines = [["", *(header for header, _ in columns)]]
    lines += [[name(row), *(cell(row) for _, cell in columns)] for row in results.rows(case)]
    return lines


def row_name(row):
    return row["row"]


def judged_by(case):
    return "" if case.figure is MEMORY else f" (ratios of {case.figure.text})"


def plain_text(results, verdicts):
    text = ""
    for case in results.cases:
        lines = table(results, case, row_name)
        widths = [max(map(len, column)) for column in zip(*lines)]
        text += f"\n{case.name}: {case.text}{judged_by(case)}\n"
        for line in lines:
            padded = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:]))]
            text += "  ".join([*padded, line[-1]]).rstrip() + "\n"
    if verdicts:
        text += "\ntargets:\n" + "".join(f"  {verdict.sentence()}\n" for verdict in verdicts)
    return text


def markdown_table(lines):
    header, *rest = lines
    alignment = ["---", *("---:" for _ in header[1:])]
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, alignment, *rest))


def targets_table(verdicts):
    lines = [["", "target", "wanted", "measured", ""]]
    lines += [[verdict.target.case, verdict.target.text, verdict.wanted, verdict.measured, verdict.status]
              for verdict in verdicts]
    return markdown_table(lines).replace("---:", "---")


def markdown_page(results, verdicts, conditions, skipped):
    page = f"""# Performance: results

Written by `bench/run.sh --publish`. [bench/README.md](../../bench/README.md) says what is measured and how, and
[notes.md](notes.md) what was tried.

{paragraph(conditions, disturbed_sentence(results))}

Every figure is a median of the rounds; in brackets the lowest and the highest ratio of a round. "x limit" compares
with the bare epoll loop, "x weft" with weft. "{SATURATED}" says that the load generator was the
bottleneck: the server could do more, and its µs/request tells more than its rate.

![Requests per second, latency and memory relative to the limit](results.svg)
"""
    if verdicts:
        page += "\n## Targets\n\n" + targets_table(verdicts)
    for case in results.cases:
        page += f"\n## {case.name}\n\n{case.text[0].upper()}{case.text[1:]}{judged_by(case)}.\n\n"
        page += markdown_table(table(results, case))
    if skipped:
        page += "\n## Failures\n\n" + "".join(f"- {sentence}\n" for sentence in skipped)
    return page


# What the README shows of the comparison: its column's title, the case, and the figure when it is not the case's own.
OVERVIEW = [
    ("1 × 1, p50", "S1.same", None), ("64 × 1", "S2", None), ("64 × 32", "S3", None),
    ("4 KiB string", "S4.strings", None), ("4 KiB objects", "S4.objects", None),
    ("5,000/s, p99", "S5", "latency_p99_us"), ("idle, KiB", "S6.plain", None),
]


def _overview_cell(results, case, row, key):
    if not results.has(case.name, row):
        return "–"
    if case.figure is MEMORY:
        text = f"{results.median(case.name, row, MEMORY.key) / 1024:.1f}"
    elif results.has(case.name, "limit"):
        text = f"{results.ratio(key or case.figure.key, (case.name, row), (case.name, 'limit')):.2f}"
    else:
        text = "–"
    return f"**{text}**" if row in results.ahead_of_weft(case, key) else text


def overview_table(results):
    """Programs down, cases across: multiples of the limit; bold where a program is ahead of weft."""
    by_name = {case.name: case for case in results.cases}
    columns = [(text, by_name[name], key) for text, name, key in OVERVIEW if name in by_name]
    rows = list(dict.fromkeys(row for _, case, _ in columns for row in case.rows if results.has(case.name, row)))
    lines = [["", *(text for text, _, _ in columns)]]
    lines += [[PROGRAMS[row].title, *(_overview_cell(results, case, row, key) for _, case, key in columns)]
              for row in rows]
    return markdown_table(lines)


def hops_table(results):
    """What a hop costs, beside HAProxy's."""
    lines = [["through a node or a proxy, × the limit's hop", "64 × 1", "64 × 32"]]
    for name, scenario, row in (("node, node, method", "S7", "weft"), ("node, registered service", "S8", "weft"),
                                ("HAProxy's TCP hop, no JSON", "S7", "haproxy")):
        cells = [f"{results.ratio(RATE.key, (case, row), (case, 'limit')):.2f}"
                 if results.has(case, row, "limit") else "–"
                 for case in (f"{scenario}.64x1", f"{scenario}.64x32")]
        lines.append([name, *cells])
    return markdown_table(lines)


def ahead_sentence(results):
    """Where a peer is ahead of weft, case by case."""
    found = []
    for case in results.cases:
        keys = (None, "latency_p99_us") if case.figure is LATENCY else (None,)
        for key in keys:
            rows = results.ahead_of_weft(case, key)
            if rows:
                figure = "p99" if key else case.figure.text
                names = ", ".join(PROGRAMS[case.rows[row][0]].title for row in rows)
                found.append(f"{case.name} ({figure}): {names}")
    if not found:
        return "No peer was ahead of weft in any of them."
    return "Ahead of weft were: " + "; ".join(found) + "."


def disturbed_sentence(results):
    found = [case.name for case in results.cases if results.disturbed(case.name)]
    return f"Other processes disturbed {', '.join(found)}: what is said of those means little." if found else ""


def readme_section(results, conditions):
    what = ("Multiples of the limit: for rates more is better, for latencies and memory less. Bold is what was ahead of "
            "weft in the median of the rounds' ratios.")
    return f"""
{paragraph(what, conditions, disturbed_sentence(results))}

{overview_table(results)}
{hops_table(results)}
{paragraph(ahead_sentence(results))}

![The same as a chart](docs/performance/results.svg)

[All figures, and the targets](docs/performance/results.md).
"""
