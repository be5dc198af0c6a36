"""A map of named places, coloured by a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import geomap as maps

from dashboard.source import panels

if TYPE_CHECKING:
    from dashboard.source.panels import Panel


def positions(title: str, sql: str, about: str, *, name: str, value: str, unit: str, layer: str = "Places") -> Panel:
    """Show the columns latitude and longitude as points: each with its `name`, in a colour of its `value`."""
    panel = panels.start(geomap.Panel(), title, sql, about, unit="short")
    controls = geomap.ControlsOptions().show_zoom(show_zoom=True).mouse_wheel_zoom(mouse_wheel_zoom=False)
    controls.show_attribution(show_attribution=True).show_scale(show_scale=False)
    controls.show_debug(show_debug=False).show_measure(show_measure=False)
    view = geomap.MapViewConfig().id("fit").lat(0).lon(0).zoom(15).padding(10).all_layers(all_layers=True)
    panel.view(view).controls(controls).layers([_markers(layer, name, value)])
    panel.basemap(common.MapLayerOptions().type("default").name("Layer 0").config({}))
    panel.tooltip(geomap.TooltipOptions().mode(maps.TooltipMode.DETAILS))
    panel.color_scheme(build.FieldColor().mode(models.FieldColorModeId.CONTINUOUS_GR_YL_RD))
    return panel.override_by_name(value, [models.DynamicConfigValue("unit", unit)])


def _markers(layer: str, name: str, value: str) -> common.MapLayerOptions:
    style = {
        "color": {"field": value, "fixed": "dark-green"},
        "opacity": 0.8,
        "size": {"fixed": 7, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        "rotation": {"fixed": 0, "min": -360, "max": 360, "mode": "mod"},
        "text": {"field": name, "fixed": "", "mode": "field"},
        "textConfig": {
            "fontSize": 11,
            "offsetX": 0,
            "offsetY": 14,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
    markers = common.MapLayerOptions().type("markers").name(layer).config({"showLegend": True, "style": style})
    place = common.FrameGeometrySource().mode("coords").latitude("latitude").longitude("longitude")
    return markers.location(place).tooltip(tooltip=True)
