"""Results for people: tables in Markdown, a plot in SVG."""
import datetime
import math
from html import escape
from statistics import geometric_mean

from results import COMPILED, FLOAT32, ONE_THREAD, OURS, PEERS, TARGETS


def table(header, lines):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)] + [f"| {' | '.join(l)} |" for l in lines] + [""]


def target_lines(results):
    lines = []
    for target in TARGETS:
        judged = target.judged(results)
        if judged is None:
            continue
        numbers, missed = judged
        values = sorted(numbers.values())
        span = f"{geometric_mean(values):.2f} [{values[0]:.2f}, {values[-1]:.2f}] of {len(values)}"
        names = [f"{label} {numbers[label]:.2f}" if label in numbers else label for label in missed]
        verdict = f"**missed**: {', '.join(names)}" if missed else "met"
        lines.append([target.work, target.against, target.wanted(), span, verdict])
    return lines


def row_line(result, peers):
    cells = [result.label, f"{result.milliseconds():.4g}", f"{result.speed:.1f}", f"{result.fraction:.0%}"]
    for peer in peers:
        if peer in result.answers:
            low, high = result.range(peer)
            cells.append(f"{result.milliseconds(peer):.4g} ms: **{result.ratio(peer):.2f}** [{low:.2f}, {high:.2f}]")
        else:
            cells.append("–")
    return cells + ["; ".join(result.disagreements()) or "yes"]


def versions(results):
    return {peer: result.version(peer) for result in results for peer in PEERS if peer in result.answers}


def markdown(results, record, picture):
    known = versions(results)
    sets = {answer["instructionSet"] for result in results for answer in result.answers[OURS]}
    lines = [
        "# Recurrent layers", "",
        f"{record['processor']}, {record['threads']} threads, {', '.join(sorted(sets))}; {datetime.date.today()}; "
        f"load before: {record['load']:.1f}; unroll {record['unroll']}, "
        + ", ".join(f"{peer} {version}" for peer, version in known.items() if peer not in (COMPILED, FLOAT32))
        + f"; medians of {record['rounds']} rounds.",
        "", f"    {record['command']}", "",
        "A ratio is the peer's time over ours, medians: above 1, ours is faster; in brackets the smallest and the "
        "largest of one round. GF/s and the fraction of the FMA peak are ours.", "",
        f"![Ratios of all rows]({picture})", "", "## Targets", "",
    ]
    lines += table(["work", "against", "wanted", "mean [smallest, largest] of rows", ""], target_lines(results))
    plain = [result for result in results if FLOAT32 not in result.answers]
    if plain:
        others = [peer for peer in known if peer != FLOAT32]
        lines += ["## Rows", ""]
        lines += table(["row", "ms", "GF/s", "of peak", *others, "same numbers"],
                       [row_line(result, others) for result in plain])
    reduced = [result for result in results if FLOAT32 in result.answers]
    if reduced:
        lines += ["## Fewer bits", ""]
        lines += table(["row", "ms", "GF/s", "of peak", FLOAT32],
                       [row_line(result, [FLOAT32])[:-1] for result in reduced])
    single = [r for r in results if ONE_THREAD in r.answers]
    if single:
        lines += ["## One thread", ""]
        lines += table(["row", "one thread, ms", f"{record['threads']} threads, ms", "ratio"], [
            [r.label, f"{r.milliseconds(ONE_THREAD):.4g}", f"{r.milliseconds():.4g}",
             f"{r.milliseconds(ONE_THREAD) / r.milliseconds():.2f}"] for r in single])
    return "\n".join(lines)


# Colours that people with any kind of colour vision can tell apart, and shapes besides.
MARKS = dict(zip(PEERS, [("#d55e00", "circle"), ("#0072b2", "square"), ("#009e73", "diamond"),
                        ("#555555", "circle")]))
LEFT, WIDTH, LINE, TOP = 235, 520, 16, 60


def plot(results, record):
    """A line a row, a mark a peer at its ratio, on a logarithmic axis; a bar from the smallest to the largest ratio."""
    ranges = [end for r in results for peer in PEERS if peer in r.answers for end in r.range(peer)] or [1]
    low = min(-1, math.floor(math.log2(min(ranges))))
    high = max(1, math.ceil(math.log2(max(ranges))))

    def x(ratio):
        return LEFT + WIDTH * (math.log2(ratio) - low) / (high - low)

    bottom = TOP + LINE * len(results)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 25}" height="{bottom + 30}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="10" y="20" font-size="13">Time of the peer over ours: right of 1, ours is faster. '
             f'{escape(record["processor"])}, {record["threads"]} threads</text>']
    for place, peer in enumerate(versions(results)):
        parts += [mark(peer, LEFT + 135 * place + 6, 36), f'<text x="{LEFT + 135 * place + 16}" y="40">{peer}</text>']
    for power in range(low, high + 1):
        edge = "#000" if power == 0 else "#ddd"
        parts.append(f'<line x1="{x(2**power):.1f}" x2="{x(2**power):.1f}" y1="{TOP - 6}" y2="{bottom}" stroke="{edge}"/>'
                     f'<text x="{x(2**power):.1f}" y="{bottom + 16}" text-anchor="middle">{2.0**power:g}</text>')
    for place, result in enumerate(results):
        y = TOP + LINE * (place + 0.5)
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(result.label)}</text>')
        for peer in PEERS:
            if peer in result.answers:
                start, end = (x(edge) for edge in result.range(peer))
                parts += [f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}" stroke="{MARKS[peer][0]}"/>',
                          mark(peer, x(result.ratio(peer)), y)]
    return "\n".join(parts + ["</svg>"]) + "\n"


def mark(peer, x, y):
    colour, shape = MARKS[peer]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y}" r="4.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x:.1f} {y})"' if shape == "diamond" else ""
    return f'<rect x="{x - 4:.1f}" y="{y - 4}" width="8" height="8" fill="{colour}"{turn}/>'
