"""A line of the past and of the forecast with its interval, as SVG."""

import math

from rnn_apps.serving.demo.marking import safe

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 300, 64, 42  # pixels; the last two are room for numbers and times
SHOWN = 8  # of the past, as many times the horizon


def series_plot(label, past, forecast, lower, upper, times, ahead):
    """Return the plot.

    Args:
        label: what it shows, in words.
        past: values, NaN where one is missing.
        forecast, lower, upper: values of the steps that come.
        times, ahead: texts of the steps of both.
    """
    most = SHOWN * len(forecast)
    past, times = past[-most:], times[-most:]
    values = [v for v in (*past, *forecast, *lower, *upper) if math.isfinite(v)]
    marks = _marks(min(values), max(values))
    low, high = min(*values, *marks), max(*values, *marks)
    count = len(past) + len(forecast)

    def x(place):
        return LEFT + (WIDTH - LEFT - 8) * (place + 0.5) / count

    def y(value):
        return 8 + (HEIGHT - BOTTOM - 16) * (high - value) / ((high - low) or 1)

    first = len(past)
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.6g}</text>'
        for v in marks
    )
    band = [(first + i, v) for i, v in enumerate(upper)]
    band += [(first + i, v) for i, v in reversed(list(enumerate(lower)))]
    area = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in band)
    lines = f'<polygon class="band" points="{area}"/>'
    lines += "".join(_line("past", run, x, y) for run in _runs(past))
    begun = [(first - 1, past[-1])] if past and math.isfinite(past[-1]) else []
    lines += _line("forecast", [*begun, *((first + i, v) for i, v in enumerate(forecast))], x, y)
    named = [(0, times[0], "start", 22), (first, f"{ahead[0]} to", "end", 22), (count, ahead[-1], "end", 6)]
    bottom = "".join(
        f'<text x="{x(place - 0.5):.1f}" y="{HEIGHT - up}" text-anchor="{anchor}">{safe(text)}</text>'
        for place, text, anchor, up in named
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
        f"{grid}{lines}{border}{bottom}</svg></div>"
    )


def _line(kind, points, x, y):
    if len(points) == 1:
        ((place, value),) = points
        return f'<circle class="{kind}" cx="{x(place):.1f}" cy="{y(value):.1f}" r="2"/>'
    text = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in points)
    return f'<polyline class="{kind}" points="{text}"/>'


def _runs(values):
    """Places and values of stretches without a missing one."""
    runs, run = [], []
    for place, value in enumerate(values):
        if math.isfinite(value):
            run.append((place, value))
        elif run:
            runs.append(run)
            run = []
    return [*runs, run] if run else runs


def _marks(low, high):
    """Round numbers over a range, about five."""
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 5)
    begin = math.floor(low / step)
    return [step * number for number in range(begin, math.ceil(high / step) + 1)]
