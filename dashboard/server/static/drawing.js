// Draws what the server sends for one panel: a chart by Plotly, numbers, bars and tables as plain elements.

const DRAW = { plot: drawPlot, stat: drawStat, bars: drawBars, table: drawTable, text: drawText };

async function draw(frame, drawing) {
  if (frame.shown !== drawing.kind) {
    frame.inside.replaceChildren();
    frame.plot = null;
  }
  frame.shown = drawing.kind;
  frame.drawing = drawing;
  await DRAW[drawing.kind](frame, drawing);
}

const nothing = () => element("div", { className: "none", textContent: "No data" });

function colours() {
  const style = getComputedStyle(document.documentElement);
  return {
    text: style.getPropertyValue("--text"),
    line: style.getPropertyValue("--line"),
    panel: style.getPropertyValue("--panel"),
  };
}

// Spans and moments of the dashboard, behind what a chart draws; their words show at the top, when pointed at.
const marks = [];

function marked() {
  const spans = marks.map(({ from, to, colour }) => ({
    type: "rect",
    layer: "below",
    yref: "paper",
    y0: 0,
    y1: 1,
    x0: localised(from),
    x1: localised(to),
    fillcolor: colour,
    opacity: 0.25,
    line: { color: colour, width: 1 },
  }));
  const words = marks.map(({ from, text, colour }) => ({
    x: localised(from),
    y: 1,
    yref: "paper",
    yanchor: "top",
    text: "▾",
    hovertext: text,
    font: { color: colour },
    showarrow: false,
  }));
  return { shapes: spans, annotations: words };
}

function layout(drawing) {
  const { text, line, panel } = colours();
  const axis = { gridcolor: line, zeroline: false, linecolor: line, automargin: true };
  const time = drawing.layout.xaxis?.type === "date" ? { range: drawing.layout.xaxis.range.map(localised) } : {};
  return {
    ...drawing.layout,
    ...(drawing.layout.xaxis?.type === "date" ? marked() : {}),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, size: 12 },
    bargap: 0,
    showlegend: false,
    margin: { l: 8, r: 8, t: 4, b: 8 },
    dragmode: "zoom",
    hoverlabel: { bgcolor: panel, bordercolor: line, font: { color: text } },
    xaxis: { ...axis, ...drawing.layout.xaxis, ...time },
    yaxis: { ...axis, ...drawing.layout.yaxis },
  };
}

async function drawPlot(frame, drawing) {
  if (!drawing.data.length) {
    frame.inside.replaceChildren(nothing());
    frame.plot = null;
    return;
  }
  if (!frame.plot) {
    frame.plot = element("div", { className: "plot" });
    frame.inside.replaceChildren(frame.plot);
  }
  legend(frame, drawing.legend);
  const timed = drawing.layout.xaxis?.type === "date";
  const data = drawing.data.map((trace) => ({
    ...trace,
    x: timed ? trace.x.map(localised) : trace.x,
    visible: frame.hidden.has(trace.name) ? "legendonly" : true,
  }));
  await Plotly.react(frame.plot, data, layout(drawing), {
    displayModeBar: false,
    responsive: true,
    doubleClick: false,
  });
  if (!frame.plot.zooms) {
    frame.plot.zooms = true;
    frame.plot.on("plotly_relayout", (change) => zoomed(change));
    frame.plot.on("plotly_doubleclick", zoomOut);
  }
}

function zoomed(change) {
  if (saved) return; // Plotly has zoomed, and there is nothing finer to ask for.
  const [start, end] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  if (start !== undefined && end !== undefined) choose(String(delocalised(start)), String(delocalised(end)));
}

function zoomOut() {
  const [start, end] = [moment(from()), moment(to())];
  choose(String(Math.round(start - (end - start) / 2)), String(Math.round(end + (end - start) / 2)));
}

function legend(frame, told) {
  frame.inside.querySelector(".legend")?.remove();
  frame.inside.className = `inside ${told?.placement || ""}`;
  if (!told) return;
  const made = told.headings.length || told.placement === "right" ? legendTable(frame, told) : legendList(frame, told);
  frame.inside.append(made);
}

function entry(frame, row) {
  const toggle = () => {
    frame.hidden.has(row.name) ? frame.hidden.delete(row.name) : frame.hidden.add(row.name);
    draw(frame, frame.drawing);
  };
  const mark = element("i");
  mark.style.background = row.colour;
  return { toggle, mark, off: frame.hidden.has(row.name) ? "off" : "" };
}

function legendTable(frame, told) {
  const head = element("tr", {}, element("th"), ...told.headings.map((textContent) => element("th", { textContent })));
  const rows = told.rows.map((row) => {
    const { toggle, mark, off } = entry(frame, row);
    return element(
      "tr",
      { className: off, onclick: toggle },
      element("td", { title: row.name }, mark, row.name),
      ...row.values.map((textContent) => element("td", { textContent })),
    );
  });
  return element("div", { className: "legend" }, element("table", {}, head, ...rows));
}

function legendList(frame, told) {
  return element(
    "div",
    { className: "legend list" },
    ...told.rows.map((row) => {
      const { toggle, mark, off } = entry(frame, row);
      return element("span", { className: off, onclick: toggle }, mark, row.name);
    }),
  );
}

function drawStat(frame, drawing) {
  const values = drawing.values.map((value) => {
    const number = element("b", { textContent: value.text });
    const box = element("div", {}, number, drawing.labelled ? element("small", { textContent: value.label }) : null);
    box.style.setProperty("--letters", Math.max(value.text.length, 4));
    (drawing.background ? box : number).style[drawing.background ? "background" : "color"] = value.colour;
    return box;
  });
  frame.inside.replaceChildren(element("div", { className: "stat" }, ...values));
}

function drawBars(frame, drawing) {
  const rows = drawing.rows.map((row) => {
    const bar = element("b");
    Object.assign(bar.style, {
      width: `${100 * row.share}%`,
      background: `linear-gradient(90deg, ${row.colour}33, ${row.colour})`,
      borderColor: row.colour,
    });
    const number = element("span", { textContent: row.text });
    number.style.color = row.colour;
    return element(
      "div",
      {},
      element("span", { title: row.name }, withLinks(row.name, row.links)),
      element("i", {}, bar),
      number,
    );
  });
  frame.inside.replaceChildren(rows.length ? element("div", { className: "bars" }, ...rows) : nothing());
}

function drawTable(frame, drawing) {
  const head = element("tr", {}, ...drawing.columns.map((textContent) => element("th", { textContent })));
  const cell = ({ text, time, number, colour, links }) => {
    const made = element(
      "td",
      { className: number ? "number" : "" },
      time === undefined ? withLinks(text, links) : written(time),
    );
    if (colour) made.style.color = colour;
    return made;
  };
  const rows = drawing.rows.map((row) => element("tr", {}, ...row.map(cell)));
  frame.inside.replaceChildren(
    rows.length ? element("div", { className: "table" }, element("table", {}, head, ...rows)) : nothing(),
  );
}

// The server writes this HTML from Markdown, in which HTML is off.
function drawText(frame, drawing) {
  frame.inside.replaceChildren(element("div", { className: "text", innerHTML: drawing.html }));
}
