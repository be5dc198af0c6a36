"""Numbers as Grafana writes them: "1.23 K", "4.5 MB/s", "3.2 hours"."""

from __future__ import annotations

import math
from dataclasses import dataclass

NO_VALUE = "-"
SIGNIFICANT = 3  # digits, where a panel does not say how many decimals
MILLI = 1e-3


@dataclass(frozen=True)
class Scale:
    """The steps of a unit, smallest first: from `least` on, a value is written as value / `least` with `suffix`."""

    steps: tuple[tuple[float, str], ...]

    def step(self, value: float) -> tuple[float, str]:
        """Return (divisor, suffix) for a value."""
        fitting = [step for step in self.steps if abs(value) >= step[0]]
        return fitting[-1] if fitting else self.steps[0]


def _prefixed(prefixes: tuple[str, ...], unit: str, base: int = 1000) -> Scale:
    return Scale(tuple((float(base**power), prefix + unit) for power, prefix in enumerate(prefixes)))


COUNT = ("", "K", "M", "B", "T")
SI = ("", "k", "M", "G", "T")
MINUTE, HOUR, DAY, WEEK, YEAR = 60, 3_600, 86_400, 604_800, 31_536_000
_LONG = ((MINUTE, " min"), (HOUR, " hours"), (DAY, " days"), (WEEK, " weeks"), (YEAR, " years"))
SCALES = {
    "none": Scale(((1, ""),)),
    "short": Scale(((1, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri"))),
    "eps": _prefixed(COUNT, " evt/s"),
    "cps": _prefixed(COUNT, " c/s"),
    "reqps": _prefixed(COUNT, " req/s"),
    "reqpm": _prefixed(COUNT, " req/m"),
    "rowsps": _prefixed(COUNT, " rows/s"),
    "decbytes": _prefixed(tuple(" " + prefix for prefix in SI), "B"),
    "bytes": _prefixed((" ", " Ki", " Mi", " Gi", " Ti"), "B", 1024),
    "Bps": _prefixed(tuple(" " + prefix for prefix in SI), "B/s"),
    "percent": Scale(((1, "%"),)),
    "currencyUSD": _prefixed(COUNT, ""),
    "watt": _prefixed(tuple(" " + prefix for prefix in SI), "W"),
    "kwatth": Scale(((1, " kWh"),)),
    "amp": Scale(((1, " A"),)),
    "hertz": _prefixed(tuple(" " + prefix for prefix in SI), "Hz"),
    "s": Scale(((1e-6, " µs"), (MILLI, " ms"), (1, " s"), *_LONG)),
    "ms": Scale(((MILLI, " µs"), (1, " ms"), *((seconds * 1e3, name) for seconds, name in ((1, " s"), *_LONG)))),
    "m": Scale(((1, " min"), (60, " hours"), (1_440, " days"))),
    "velocitykmh": Scale(((1, " km/h"),)),
    "celsius": Scale(((1, " °C"),)),
    "fahrenheit": Scale(((1, " °F"),)),
    "volt": Scale(((1, " V"),)),
}

SIGNS = {"currencyUSD": "$"}  # before the number


def scale(unit: str) -> Scale:
    """Return the scale of one of Grafana's units; one without an entry here is written behind the number."""
    return SCALES.get(unit) or Scale(((1, f" {unit}"),))


def text(value: object, unit: str = "short", decimals: int | None = None) -> str:
    """Write a cell: numbers in their unit, everything else as it is."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NO_VALUE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    sign = SIGNS.get(unit, "")
    if value == 0:
        return f"{sign}{0:.{decimals or 0}f}{scale(unit).step(1)[1]}"
    divisor, suffix = scale(unit).step(value)
    return sign + _number(value / divisor, decimals, whole=isinstance(value, int) and divisor == 1) + suffix


def ticks(least: float, most: float, unit: str, count: int = 5) -> tuple[list[float], list[str]]:
    """Return about `count` round values from `least` to `most`, and how they are written."""
    if most <= least:
        most = least + 1
    step = _round_step((most - least) / count, unit)
    # A line along the upper edge could not be seen.
    first, last = math.floor(least / step), math.floor((most + (most - least) * 0.03) / step) + 1
    values = [index * step for index in range(first, last + 1)]
    return values, [text(_tidy(value), unit) for value in values]


def _round_step(step: float, unit: str) -> float:
    """Return the next round step above; times are round in minutes, hours and days."""
    seconds = {"s": 1.0, "ms": 1e3}.get(unit)
    if seconds and step >= 10 * seconds:
        rounds = (15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
        fitting = [length * seconds for length in rounds if length * seconds >= step]
        if fitting:
            return fitting[0]
    magnitude = 10.0 ** math.floor(math.log10(step))
    return next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= step * 0.999)


def _tidy(value: float) -> float:
    """Drop the error of adding up steps, so that 0.30000000000000004 reads 0.3."""
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() else rounded


def _number(value: float, decimals: int | None, *, whole: bool) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if whole:
        return f"{value:,.0f}"
    digits = max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
