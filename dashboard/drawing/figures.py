"""Drawings as Plotly figures, for notebooks: the browser draws numbers, bars and tables without Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.drawing.drawings import Drawing


def figure(drawing: Drawing) -> go.Figure:
    """Return the figure of one panel. Times on its axes are UTC."""
    figure = go.Figure(layout={"template": "plotly_dark", "margin": {"l": 10, "r": 10, "t": 10, "b": 10}, "bargap": 0})
    KINDS[drawing["kind"]](figure, drawing)
    return figure


def _plot(figure: go.Figure, drawing: Drawing) -> None:
    figure.add_traces([{**trace} for trace in drawing["data"]])
    figure.update_layout(drawing["layout"], showlegend=drawing["legend"] is not None)


def _stat(figure: go.Figure, drawing: Drawing) -> None:
    values = drawing["values"]
    for index, value in enumerate(values):
        place = {"x": (index + 0.5) / len(values), "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        figure.add_annotation(text=value["text"], font={"size": 44, "color": value["colour"]}, **place)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)


def _bars(figure: go.Figure, drawing: Drawing) -> None:
    rows: list[dict[str, Any]] = drawing["rows"]
    figure.add_bar(
        x=[row["share"] for row in rows],
        y=[row["name"] for row in rows],
        text=[row["text"] for row in rows],
        marker={"color": [row["colour"] for row in rows]},
        orientation="h",
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed")


def _table(figure: go.Figure, drawing: Drawing) -> None:
    columns = [[cell.get("text", cell.get("time")) for cell in column] for column in zip(*drawing["rows"], strict=True)]
    figure.add_table(header={"values": drawing["columns"]}, cells={"values": columns})


def _text(figure: go.Figure, drawing: Drawing) -> None:
    figure.add_annotation(text=drawing["text"], showarrow=False)


KINDS: dict[str, Callable[[go.Figure, Drawing], None]] = {
    "plot": _plot,
    "stat": _stat,
    "bars": _bars,
    "table": _table,
    "text": _text,
}
