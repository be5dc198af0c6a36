"""What a panel's JSON says about one of its fields: the defaults, with the overrides that match the field's name."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from dashboard.drawing import colours, units


@dataclass(frozen=True)
class Field:
    """The settings of one series or column."""

    settings: dict[str, Any]

    @classmethod
    def of(cls, panel: dict[str, Any], name: str) -> Field:
        """Merge the defaults of a panel's JSON with the overrides for field `name`."""
        config = panel.get("fieldConfig", {})
        settings = copy.deepcopy(config.get("defaults", {}))
        for override in config.get("overrides", []):
            if _matches(override["matcher"], name):
                for prop in override["properties"]:
                    _set(settings, prop["id"].split("."), prop.get("value"))
        return cls(settings)

    @property
    def unit(self) -> str:
        """Grafana's name of the unit."""
        return str(self.settings.get("unit", "short"))

    @property
    def custom(self) -> dict[str, Any]:
        """What only this kind of panel knows: line width, stacking and so on."""
        custom: dict[str, Any] = self.settings.get("custom", {})
        return custom

    @property
    def links(self) -> list[dict[str, Any]]:
        """The data links: title and URL, in which `${__value.raw}` stands for the cell."""
        links: list[dict[str, Any]] = self.settings.get("links", [])
        return links

    def text(self, value: Any) -> str:  # noqa: ANN401 - a cell
        """Write a value with the field's unit, decimals and value mappings."""
        for mapping in self.settings.get("mappings", []):
            found = mapping.get("options", {}).get(str(value)) if mapping["type"] == "value" else None
            if found:
                return str(found.get("text", value))
        if value is None:
            return str(self.settings.get("noValue", units.NO_VALUE))
        return units.text(value, self.unit, self.settings.get("decimals"))

    def colour(self, value: float | None, fraction: float = 1.0) -> str | None:
        """Return the colour of a value, or None where the name of the series decides."""
        colour = self.settings.get("color", {})
        mode = colour.get("mode", "thresholds" if "thresholds" in self.settings else "palette-classic")
        if mode == "fixed":
            return colours.named(colour["fixedColor"])
        if mode.startswith("continuous-"):
            return colours.on_gradient(mode, fraction)
        if mode == "thresholds":
            return colours.by_threshold(self.settings.get("thresholds", {}), value)
        return None


def _matches(matcher: dict[str, Any], name: str) -> bool:
    if matcher["id"] == "byName":
        return bool(matcher["options"] == name)
    if matcher["id"] == "byRegexp":
        return re.fullmatch(str(matcher["options"]).strip("/"), name) is not None
    return False


def _set(settings: dict[str, Any], path: list[str], value: Any) -> None:  # noqa: ANN401 - as in the JSON
    for part in path[:-1]:
        settings = settings.setdefault(part, {})
    settings[path[-1]] = value
