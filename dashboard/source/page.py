"""The frame of a dashboard: its head, and panels on Grafana's grid of 24 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as models

if TYPE_CHECKING:
    from dashboard.source.panels import Marks, Panel

COLUMNS = 24
REFRESHES = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"]
GRAFANA = models.DataSourceRef("grafana", "-- Grafana --")


class Page:
    """A dashboard that panels are put on from top to bottom; each gets the next free id."""

    def __init__(self, uid: str, title: str, description: str, dataset: str, *, start: str, refresh: str) -> None:
        """Begin a dashboard that shows the range from `start` to now, such as "now-1h", and asks again each `refresh`."""
        self._panels = 0
        self._bottom = 0
        self._board = (
            build.Dashboard(title)
            .uid(uid)
            .description(description)
            .tags(["rta", dataset])
            .timezone("browser")
            .editable()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .time(start, "now")
            .timepicker(build.TimePicker().refresh_intervals(REFRESHES))
            .live_now(live_now=False)
            .refresh(refresh)
            .preload(preload=False)
            .variables([])
            .annotation(_alerts())
            .links([])
        )

    def link_to_others(self) -> None:
        """Add a menu of all dashboards of this stack; they open with the same range."""
        link = build.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).icon("external link")
        self._board.link(link.tags(["rta"]).as_dropdown(as_dropdown=True).keep_time(keep_time=True).url(""))

    def band(self, height: int, *panels: Panel, widths: tuple[int, ...] = ()) -> None:
        """Put panels side by side below all others, of the same width unless `widths` says otherwise."""
        widths = widths or (COLUMNS // len(panels),) * len(panels)
        top, x = self._bottom, 0
        for panel, width in zip(panels, widths, strict=True):
            self.place(panel, x, top, width, height)
            x += width

    def variable(self, variable: Any) -> None:  # noqa: ANN401 - one of the SDK's kinds
        """Add a choice at the top of the page; SQL names it with a dollar sign."""
        self._board.with_variable(variable)

    def marks(self, *marks: Marks) -> None:
        """Mark moments and spans on all charts."""
        for each in marks:
            self._board.annotation(each)

    def row(self, title: str) -> None:
        """Start a section that can be folded."""
        self._panels += 1
        place = models.GridPos(1, COLUMNS, 0, self._bottom)
        self._board.with_row(build.Row(title).id(self._panels).grid_pos(place))
        self._bottom += 1

    def place(self, panel: Panel, x: int, y: int, width: int, height: int) -> None:
        """Put a panel where it is told."""
        self._panels += 1
        self._board.with_panel(panel.id(self._panels).grid_pos(models.GridPos(height, width, x, y)))
        self._bottom = max(self._bottom, y + height)

    def build(self) -> Any:  # noqa: ANN401 - the SDK's model
        """Return the finished dashboard."""
        return self._board.build()


def _alerts() -> build.AnnotationQuery:
    """Grafana's own list of annotations, which every dashboard has."""
    alerts = build.AnnotationQuery().name("Annotations & Alerts").datasource(GRAFANA).enable(enable=True)
    return alerts.icon_color("rgba(0, 211, 255, 1)").hide(hide=True).type("dashboard").built_in(1)
