"""The kinds of panels, each with the look that all dashboards share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import (
    bargauge,
    candlestick,
    common,
    gauge,
    heatmap,
    piechart,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import candlestick as candle
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import piechart as pie
from grafana_foundation_sdk.models import text as words

if TYPE_CHECKING:
    from collections.abc import Sequence

Panel = Any  # each kind has a builder of its own
QUESTDB = models.DataSourceRef("grafana-postgresql-datasource", "questdb")
SECOND = "1s"  # shorter buckets have a unit that QuestDB does not know
Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class Query(Builder[Dataquery], Dataquery):  # type: ignore[misc]
    """SQL for the PostgreSQL data source, of which the SDK has no model."""

    sql: str
    shape: str  # "table" or "time_series"

    def build(self) -> Query:
        """Return what is written as JSON: itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the query as Grafana saves it."""
        return {
            "datasource": QUESTDB,
            "editorMode": "code",
            "format": self.shape,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": "A",
        }


@dataclass(frozen=True)
class Marks(Builder):  # type: ignore[misc]
    """Marks on all charts of a dashboard, from SQL with the columns time, timeend and text. The SDK knows no such target."""

    name: str
    colour: str
    sql: str

    def build(self) -> Marks:
        """Return what is written as JSON: itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the annotation as Grafana saves it."""
        target = Query(self.sql, "table").to_json() | {"refId": "Anno"}
        shown = {"datasource": QUESTDB, "enable": True, "hide": False, "iconColor": self.colour, "name": self.name}
        return shown | {"target": target}


def start(panel: Panel, title: str, sql: str, description: str, *, unit: str, shape: str = "table") -> Panel:
    """Set what all panels have; each kind below adds its look, and a kind that one dashboard uses is made there."""
    panel.title(title).description(description).datasource(QUESTDB).transparent(transparent=False)
    return panel.unit(unit).interval(SECOND).with_target(Query(sql, shape))


def _colour(mode: str, fixed: str | None = None) -> build.FieldColor:
    colour = build.FieldColor().mode(models.FieldColorModeId(mode))
    return colour.fixed_color(fixed) if fixed else colour


def _reduced(*, rows: bool) -> common.ReduceDataOptions:
    """Take the last value of a column, or with `rows` each row for itself."""
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=rows).fields("")


def _steps(steps: Steps) -> build.ThresholdsConfig:
    return (
        build.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value, colour) for value, colour in steps])
    )


def number(
    title: str,
    sql: str,
    description: str,
    *,
    unit: str = "short",
    decimals: int | None = None,
    none: str = "unknown",
    steps: Steps = (),
) -> Panel:
    """Show one number: blue, or by `steps` of (from which value, colour). `none` stands where there is no value."""
    panel = start(stat.Panel(), title, sql, description, unit=unit).no_value(none)
    panel.graph_mode(looks.BigValueGraphMode.NONE).color_mode(looks.BigValueColorMode.VALUE)
    panel.justify_mode(looks.BigValueJustifyMode.AUTO).text_mode(looks.BigValueTextMode.VALUE)
    panel.wide_layout(wide_layout=True).show_percent_change(show_percent_change=False)
    panel.percent_change_color_mode(looks.PercentChangeColorMode.STANDARD).orientation(looks.VizOrientation.AUTO)
    panel.reduce_options(_reduced(rows=False)).thresholds(_steps(steps or ((None, "blue"),)))
    panel.color_scheme(_colour("thresholds") if steps else _colour("fixed", "blue"))
    return panel if decimals is None else panel.decimals(decimals)


def rate(title: str, sql: str, description: str, none: str = "unknown") -> Panel:
    """Show events a second."""
    return number(title, sql, description, unit="eps", decimals=1, none=none)


def below(yellow: float, red: float) -> Steps:
    """Return the steps of a number that should stay small."""
    return ((None, "green"), (yellow, "yellow"), (red, "red"))


NONE_IS_GOOD: Steps = ((None, "green"), (1, "red"))


def _chart(title: str, sql: str, description: str, *, unit: str, points: int, calcs: Sequence[str]) -> Panel:
    """Start a chart over time with about `points` buckets; a legend with `calcs` is a table at the right."""
    panel = start(timeseries.Panel(), title, sql, description, unit=unit, shape="time_series")
    legend = common.VizLegendOptions().show_legend(show_legend=True).calcs(list(calcs))
    if calcs:
        legend.display_mode(looks.LegendDisplayMode.TABLE).placement(looks.LegendPlacement.RIGHT)
    else:
        legend.display_mode(looks.LegendDisplayMode.LIST).placement(looks.LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    return panel.max_data_points(points).legend(legend).tooltip(tooltip).axis_soft_min(0)


def lines(
    title: str,
    sql: str,
    description: str,
    *,
    unit: str = "short",
    points: int = 60,
    decimals: int | None = None,
    calcs: Sequence[str] = (),
    least: float | None = 0,
    filled: int = 5,
    spans: bool | int = False,
) -> Panel:
    """Draw a line for each series. `spans`: whether a line goes on over missing values, or over how many milliseconds."""
    panel = _chart(title, sql, description, unit=unit, points=points, calcs=calcs)
    panel.draw_style(looks.GraphDrawStyle.LINE).line_width(2).fill_opacity(filled)
    panel.show_points(looks.VisibilityMode.NEVER).span_nulls(spans)
    panel.color_scheme(_colour("palette-classic-by-name"))
    if least is not None:
        panel.min(least)
    return panel if decimals is None else panel.decimals(decimals)


def bars(
    title: str,
    sql: str,
    description: str,
    *,
    unit: str = "short",
    points: int = 60,
    calcs: Sequence[str] = (),
    colours: dict[str, str] | None = None,
) -> Panel:
    """Draw stacked bars, each beginning where its bucket does, in the colours of their names or in `colours`."""
    panel = _chart(title, sql, description, unit=unit, points=points, calcs=calcs).min(0)
    panel.draw_style(looks.GraphDrawStyle.BARS).line_width(0).fill_opacity(80)
    panel.bar_alignment(looks.BarAlignment.AFTER)
    panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if colours is None:
        return panel.color_scheme(_colour("palette-classic-by-name"))
    for name, colour in colours.items():
        panel.override_by_name(name, [fixed(colour)])
    return panel


def free_axis(panel: Panel) -> Panel:
    """Let the axis of a chart begin where its values do, not at 0."""
    panel._internal.field_config.defaults.custom.axis_soft_min = None  # noqa: SLF001 - the SDK can set it only
    return panel


def candles(title: str, sql: str, description: str, *, unit: str, points: int) -> Panel:
    """Draw the columns open, high, low and close as candles, and volume as bars below them."""
    panel = start(candlestick.Panel(), title, sql, description, unit=unit, shape="table").max_data_points(points)
    names = ("open", "high", "low", "close", "volume")
    fields = candlestick.CandlestickFieldMap()
    for name in names:
        getattr(fields, name)(name)
    panel.mode(candle.VizDisplayMode.CANDLES_VOLUME).candle_style(candle.CandleStyle.CANDLES).fields(fields)
    panel.color_strategy(candle.ColorStrategy.OPEN_CLOSE).include_all_fields(include_all_fields=False)
    panel.colors(candlestick.CandlestickColors().up("green").down("red").flat("gray"))
    panel.legend(common.VizLegendOptions().show_legend(show_legend=False).calcs([])).line_width(1)
    return panel.override_by_name("volume", [models.DynamicConfigValue("unit", "short")])


def rows(title: str, sql: str, description: str, **units: str) -> Panel:
    """Show rows as they are; `units` of columns by name, with `_` for a space."""
    panel = start(table.Panel(), title, sql, description, unit="none")
    panel.align(looks.FieldTextAlignment.AUTO).inspect(inspect=False)
    for column, unit in units.items():
        panel.override_by_name(column.replace("_", " "), [models.DynamicConfigValue("unit", unit)])
    return panel


def fixed(colour: str) -> models.DynamicConfigValue:
    """Return the override that gives a series its colour."""
    return models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def custom(name: str, value: object) -> models.DynamicConfigValue:
    """Return an override of a chart's own setting."""
    return models.DynamicConfigValue(f"custom.{name}", value)


def band(panel: Panel, colour: str, lower: str, upper: str) -> None:
    """Show the two series `lower` and `upper` as the area between them."""
    panel.override_by_name(lower, [fixed(colour), custom("lineWidth", 0)])
    area = [fixed(colour), custom("lineWidth", 0), custom("fillBelowTo", lower), custom("fillOpacity", 20)]
    panel.override_by_name(upper, area)


DASHED = custom("lineStyle", {"fill": "dash", "dash": [6, 4]})


def link(title: str, url: str) -> build.DashboardLink:
    """Return a link of a panel's menu."""
    return build.DashboardLink(title).type(models.DashboardLinkType.LINK).url(url)


NAME = "${__data.fields[0]}"  # of a row, in the link of its bar


def donut(title: str, sql: str, description: str) -> Panel:
    """Show the share of each row."""
    panel = start(piechart.Panel(), title, sql, description, unit="short")
    legend = piechart.PieChartLegendOptions().show_legend(show_legend=True).calcs([])
    legend.values([pie.PieChartLegendValues.VALUE, pie.PieChartLegendValues.PERCENT])
    legend.display_mode(looks.LegendDisplayMode.TABLE).placement(looks.LegendPlacement.RIGHT)
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.SINGLE).sort(looks.SortOrder.NONE)
    panel.pie_type(pie.PieChartType.DONUT).legend(legend).tooltip(tooltip).display_labels([])
    panel.reduce_options(_reduced(rows=True)).orientation(looks.VizOrientation.AUTO)
    return panel.color_scheme(_colour("palette-classic-by-name")).hide_from(_shown())


def _shown() -> common.HideSeriesConfig:
    return common.HideSeriesConfig().tooltip(tooltip=False).legend(legend=False).viz(viz=False)


def ranking(title: str, sql: str, description: str, to: build.DashboardLink | None = None) -> Panel:
    """Show a bar for each row, with a link, if there is one, that may hold the row's NAME."""
    panel = start(bargauge.Panel(), title, sql, description, unit="short").min(0)
    panel.display_mode(looks.BarGaugeDisplayMode.GRADIENT).value_mode(looks.BarGaugeValueMode.COLOR)
    panel.name_placement(looks.BarGaugeNamePlacement.AUTO).show_unfilled(show_unfilled=True)
    panel.sizing(looks.BarGaugeSizing.AUTO).min_viz_width(8).min_viz_height(16).max_viz_height(300)
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).show_legend(show_legend=False).calcs([]))
    panel.reduce_options(_reduced(rows=True)).orientation(looks.VizOrientation.HORIZONTAL)
    return panel.color_scheme(_colour("continuous-BlPu")).data_links([to] if to else [])


def gauges(title: str, sql: str, description: str, *, unit: str, decimals: int, most: float) -> Panel:
    """Show a half circle from 0 to `most` for each row."""
    panel = start(gauge.Panel(), title, sql, description, unit=unit)
    panel.show_threshold_labels(show_threshold_labels=False).show_threshold_markers(show_threshold_markers=False)
    panel.sizing(looks.BarGaugeSizing.AUTO).min_viz_width(75).min_viz_height(75)
    panel.reduce_options(_reduced(rows=True)).orientation(looks.VizOrientation.AUTO)
    panel.decimals(decimals).min(0).max(most).no_value("none yet")
    return panel.color_scheme(_colour("palette-classic-by-name"))


def heat_rows(title: str, sql: str, description: str, *, unit: str, value: str) -> Panel:
    """Show a row of cells for each series; colours follow the square root of `value`. `time` is the end of a cell."""
    panel = start(heatmap.Panel(), title, sql, description, unit=unit, shape="time_series")
    colour = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues").fill("blue")
    colour.scale(heat.HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64).reverse(reverse=False)
    axis = heatmap.YAxisConfig().unit("short").axis_placement(looks.AxisPlacement.LEFT)
    rows = heatmap.RowsHeatmapOptions().value(value).layout(looks.HeatmapCellLayout.AUTO)
    panel.max_data_points(60).color(colour).y_axis(axis).rows_frame(rows).cell_gap(1)
    panel.show_value(looks.VisibilityMode.NEVER).show_legend().calculate(calculate=False)
    panel.filter_values(heatmap.FilterValueRange().le(1e-9)).cell_values(heatmap.CellValues().unit(unit))
    panel.mode(looks.TooltipDisplayMode.SINGLE).hide_y_histogram().show_color_scale(show_color_scale=False)
    panel.exemplars_color("rgba(255,0,255,0.7)").selection_mode(heat.HeatmapSelectionMode.X)
    scale = common.ScaleDistributionConfig().type(looks.ScaleDistribution.LINEAR)
    return panel.scale_distribution(scale).hide_from(_shown())


def note(title: str, content: str) -> Panel:
    """Show words, written as Markdown."""
    return text.Panel().title(title).transparent(transparent=True).mode(words.TextMode.MARKDOWN).content(content)
