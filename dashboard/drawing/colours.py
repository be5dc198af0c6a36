"""Colours by the rules of Grafana: its names, its palette, thresholds and gradients.

Source of the palettes: grafana/grafana, packages/grafana-data/src/themes/createVisualizationColors.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED = {
    "green": "#73BF69",
    "yellow": "#FADE2A",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
    "purple": "#B877D9",
    "text": "#8E8E8E",
}
PALETTE = (
    *("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D", "#FADE2A"),
    *("#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598", "#70DBED", "#F9BA8F"),
    *("#F29191", "#82B5D8", "#E5A8E2", "#AEA2E0", "#629E51", "#E5AC0E", "#64B0C8", "#E0752D", "#BF1B00", "#0A50A1"),
)
GRADIENTS = {
    "continuous-BlPu": ("#5794F2", "#B877D9"),
    "continuous-GrYlRd": ("#73BF69", "#FADE2A", "#F2495C"),
    "continuous-blues": ("#1F60C4", "#8AB8FF"),
}
RED, GREEN, BLUE = slice(1, 3), slice(3, 5), slice(5, 7)


def named(name: str) -> str:
    """Return "#rrggbb" of a name as in thresholds and overrides; a colour that is written out stays."""
    return NAMED.get(name.removeprefix("dark-").removeprefix("light-").removeprefix("semi-dark-"), name)


def by_name(names: Iterable[str]) -> dict[str, str]:
    """Give each name its colour: the same in every panel, unless two names of one panel would share it."""
    colours: dict[str, str] = {}
    for name in sorted(set(names)):
        start = abs(_hash(name)) % len(PALETTE)
        order = [PALETTE[(start + step) % len(PALETTE)] for step in range(len(PALETTE))]
        colours[name] = next((colour for colour in order if colour not in colours.values()), order[0])
    return colours


def by_threshold(thresholds: dict[str, Any], value: float | None) -> str:
    """Return the colour of the last step that `value` reaches."""
    steps = thresholds.get("steps", [])
    reached = [
        step["color"] for step in steps if step["value"] is None or (value is not None and value >= step["value"])
    ]
    return named(reached[-1] if reached else "text")


def on_gradient(mode: str, fraction: float) -> str:
    """Return the colour at `fraction` (0 to 1) of one of the continuous schemes."""
    stops = GRADIENTS.get(mode, GRADIENTS["continuous-BlPu"])
    position = min(max(fraction, 0.0), 1.0) * (len(stops) - 1)
    index = min(int(position), len(stops) - 2)
    return _mixed(stops[index], stops[index + 1], position - index)


def faded(colour: str, opacity: float) -> str:
    """Return a colour that lets what is behind it show through; `opacity` from 0 to 1."""
    red, green, blue = (int(colour[part], 16) for part in (RED, GREEN, BLUE))
    return f"rgba({red},{green},{blue},{opacity:g})"


def _mixed(first: str, second: str, share: float) -> str:
    parts = ((int(first[part], 16), int(second[part], 16)) for part in (RED, GREEN, BLUE))
    return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in parts)


def _hash(name: str) -> int:
    """Return the hash that Grafana's "Classic palette (by series name)" uses: 32 bits, signed."""
    value = 0
    for letter in name:
        value = (value * 31 + ord(letter)) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
