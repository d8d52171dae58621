"""Draws a series and its forecast with an interval as SVG."""

import math

from rnn_apps.serving.demo.html import safe

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 300, 64, 42  # pixels; LEFT and BOTTOM are the margins of the labels
PAST_RATIO = 8  # at most as many horizons of the past are drawn


def series_plot(label, past, forecast, lower, upper, times, ahead):
    """Return the plot.

    Args:
        label: description of the plot.
        past: past values, NaN where one is missing.
        forecast, lower, upper: values of the forecast steps.
        times, ahead: times of the past and the forecast steps, as text.
    """
    num_past = PAST_RATIO * len(forecast)
    past, times = past[-num_past:], times[-num_past:]
    values = [v for v in (*past, *forecast, *lower, *upper) if math.isfinite(v)]
    ticks = _ticks(min(values), max(values))
    low, high = min(*values, *ticks), max(*values, *ticks)
    first, count = len(past), len(past) + len(forecast)

    def x(position):
        return LEFT + (WIDTH - LEFT - 8) * (position + 0.5) / count

    def y(value):
        return 8 + (HEIGHT - BOTTOM - 16) * (high - value) / ((high - low) or 1)

    def points(pairs):
        return " ".join(f"{x(position):.1f},{y(value):.1f}" for position, value in pairs)

    def line(kind, pairs):
        if len(pairs) == 1:
            ((position, value),) = pairs
            return f'<circle class="{kind}" cx="{x(position):.1f}" cy="{y(value):.1f}" r="2"/>'
        return f'<polyline class="{kind}" points="{points(pairs)}"/>'

    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.6g}</text>'
        for v in ticks
    )
    band = [*enumerate(upper, start=first), *reversed(list(enumerate(lower, start=first)))]
    lines = f'<polygon class="band" points="{points(band)}"/>'
    lines += "".join(line("past", run) for run in _runs(past))
    joint = [(first - 1, past[-1])] if past and math.isfinite(past[-1]) else []
    lines += line("forecast", [*joint, *enumerate(forecast, start=first)])
    labels = [(0, times[0], "start", 22), (first, f"{ahead[0]} to", "end", 22), (count, ahead[-1], "end", 6)]
    axis = "".join(
        f'<text x="{x(position - 0.5):.1f}" y="{HEIGHT - up}" text-anchor="{anchor}">{safe(text)}</text>'
        for position, text, anchor, up in labels
    )
    now = f"{x(first - 0.5):.1f}"
    border = f'<line class="now" x1="{now}" x2="{now}" y1="8" y2="{HEIGHT - BOTTOM}"/>'
    key = (
        '<p class="legend"><span class="key past">past</span><span class="key forecast">forecast</span>'
        '<span class="key band">interval</span></p>'
    )
    return (
        f'{key}<div class="scroll" tabindex="0" role="region" aria-label="Plot">'
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(label)}">'
        f"{grid}{lines}{border}{axis}</svg></div>"
    )


def _runs(values):
    """Return the runs of values without a missing one, as lists of (position, value)."""
    runs = [[]]
    for position, value in enumerate(values):
        if math.isfinite(value):
            runs[-1].append((position, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _ticks(low, high):
    """Return about five round numbers that cover a range."""
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 5)
    start = math.floor(low / step)
    return [step * number for number in range(start, math.ceil(high / step) + 1)]
