// Draws one dashboard and keeps it up to date. The server sends what to draw; times are milliseconds since 1970.

const QUICK = [
  ["5m", "Last 5 minutes"],
  ["15m", "Last 15 minutes"],
  ["30m", "Last 30 minutes"],
  ["1h", "Last 1 hour"],
  ["3h", "Last 3 hours"],
  ["6h", "Last 6 hours"],
  ["12h", "Last 12 hours"],
  ["24h", "Last 24 hours"],
  ["2d", "Last 2 days"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
];
const REFRESHES = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"];
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const RETRY = 10; // seconds, where no refresh is chosen and something could not be shown

const byId = (id) => document.getElementById(id);
// A saved page (`make preview`) holds the answers itself, by uid and uid/panel, and shows the dashboard of its #fragment.
const saved = typeof SAVED === "undefined" ? null : SAVED;
const uid = saved
  ? location.hash.slice(1) || Object.keys(saved)[0]
  : decodeURIComponent(location.pathname.split("/")[2]);
const frames = new Map(); // id of a panel -> its element, its settings, and what it shows
let board = null;
let timer = null;

// --- The link holds the whole state: from, to, refresh, theme, var-… ---

const state = () => new URLSearchParams(location.search);

function change(changes, replace = false) {
  const next = state();
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const each of [value].flat()) if (each !== null) next.append(name, each);
  }
  history[replace ? "replaceState" : "pushState"](null, "", `?${next}`);
  show();
}

const from = () => state().get("from") || board.time.from;
const to = () => state().get("to") || board.time.to;
const refresh = () => (saved ? "" : state().has("refresh") ? state().get("refresh") : board.refresh || "");

// --- Times: a picker and a chart show this machine's time zone ---

function moment(text) {
  if (/^\d{9,}$/.test(text)) return Number(text);
  const relative = /^now(?:([-+]\d+)([smhdw]))?$/.exec(text);
  if (relative) return Date.now() + (relative[1] ? Number(relative[1]) * SECONDS[relative[2]] * 1000 : 0);
  return Date.parse(text);
}

// Plotly shows every time as UTC, so it is given the local one as if it were that.
const localised = (ms) => (typeof ms === "number" ? ms - new Date(ms).getTimezoneOffset() * 60000 : ms);

function delocalised(text) {
  const shown = typeof text === "number" ? text : Date.parse(`${String(text).replace(" ", "T")}Z`);
  return Math.round(shown + new Date(shown).getTimezoneOffset() * 60000);
}

const field = (ms) => new Date(localised(ms)).toISOString().slice(0, 19);
const written = (ms) => field(ms).replace("T", " ");

function rangeName() {
  const quick = QUICK.find(([length]) => from() === `now-${length}` && to() === "now");
  return quick ? quick[1] : `${written(moment(from()))} to ${to() === "now" ? "now" : written(moment(to()))}`;
}

// --- Small helpers for elements ---

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function withLinks(text, links) {
  if (!links?.length) return document.createTextNode(text);
  const [link] = links;
  const outside = /^https?:/.test(link.url);
  const safe = outside || link.url.startsWith("/");
  return safe
    ? element("a", { href: link.url, title: link.title, target: outside ? "_blank" : "", rel: "noreferrer" }, text)
    : document.createTextNode(text);
}

// --- The frame of the page ---

async function fetched(path, signal) {
  if (saved) return saved[path];
  const [board, panel] = path.split("/");
  const part = panel === "marks" ? "/marks" : panel ? `/panels/${panel}` : "";
  const place = encodeURIComponent(board) + part;
  const answer = await fetch(`/api/boards/${place}?${state()}`, { signal });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function open() {
  try {
    board = await fetched(uid);
  } catch (error) {
    complain(`The dashboard can't be loaded (${error.message}). The page tries again every ${RETRY} seconds.`);
    setTimeout(open, RETRY * 1000);
    return;
  }
  complain(board.problem);
  document.title = `${board.title} - Dashboards`;
  byId("dashboards").replaceChildren(
    ...board.dashboards.map(({ title, url }) =>
      element("option", {
        value: url,
        textContent: title,
        selected: url === `#${uid}` || url.startsWith(`/d/${uid}/`),
      }),
    ),
  );
  byId("refresh").replaceChildren(
    ...["", ...(board.refreshes?.length ? board.refreshes : REFRESHES)].map((every) =>
      element("option", { value: every, textContent: every || "Off" }),
    ),
  );
  byId("quick").append(
    ...QUICK.map(([length, name]) =>
      element("button", { type: "button", textContent: name, onclick: () => choose(`now-${length}`, "now") }),
    ),
  );
  variables();
  layOut();
  show();
}

function complain(text) {
  byId("problem").hidden = !text;
  byId("problem").textContent = text || "";
}

function variables() {
  byId("variables").replaceChildren(
    ...board.variables.map((variable) =>
      element("label", {}, `${variable.label} `, variable.typed ? typed(variable) : selection(variable)),
    ),
  );
}

function typed(variable) {
  return element("input", {
    value: variable.chosen[0] || "",
    onchange: (event) => change({ [`var-${variable.name}`]: event.target.value }),
  });
}

function selection(variable) {
  const options = [...(variable.all ? [["$__all", "All"]] : []), ...variable.options.map((option) => [option, option])];
  const chosen = () => [...list.selectedOptions].map((option) => option.value);
  const list = element(
    "select",
    { multiple: variable.several, onchange: () => change({ [`var-${variable.name}`]: chosen() }) },
    ...options.map(([value, text]) =>
      element("option", { value, textContent: text, selected: variable.chosen.includes(value) }),
    ),
  );
  return list;
}

// --- Panels and rows on Grafana's grid of 24 columns ---

const folded = new Set();

function layOut() {
  for (const panel of board.panels) {
    if (panel.kind === "row" && panel.collapsed) folded.add(panel.id);
    const made = panel.kind === "row" ? rowElement(panel) : panelElement(panel);
    frames.set(panel.id, { ...made, panel, shown: null, visible: false, hidden: new Set() });
    byId("board").append(made.root);
    if (panel.kind !== "row") seen.observe(made.root);
  }
  place();
}

function rowElement(panel) {
  const toggle = element("button", {
    onclick: () => {
      folded.has(panel.id) ? folded.delete(panel.id) : folded.add(panel.id);
      place();
    },
  });
  return { root: element("div", { className: "row" }, toggle), toggle };
}

// A row that is folded takes the space of its panels away, and everything below moves up. Panels of a row that was saved
// folded keep the places they had before, so they are counted from the first of them.
function place() {
  let moved = 0;
  for (const row of [null, ...board.panels.filter(({ kind }) => kind === "row")]) {
    const inside = board.panels.filter((panel) => panel.kind !== "row" && panel.row === (row?.id ?? null));
    const top = row ? row.grid.y + moved + 1 : 0;
    const base = !row
      ? 0
      : row.collapsed && inside.length
        ? Math.min(...inside.map(({ grid }) => grid.y))
        : row.grid.y + 1;
    if (row) put(row, top - 1, false);
    for (const panel of inside) put(panel, top + panel.grid.y - base, row !== null && folded.has(row.id));
    const height = Math.max(0, ...inside.map(({ grid }) => grid.y + grid.h - base));
    if (row) moved += (folded.has(row.id) ? 0 : height) - (row.collapsed ? 0 : height);
  }
}

function put(panel, y, hidden) {
  const { root, toggle } = frames.get(panel.id);
  root.style.gridColumn = `${panel.grid.x + 1} / span ${panel.grid.w}`;
  root.style.gridRow = `${y + 1} / span ${panel.grid.h}`;
  root.hidden = hidden;
  if (toggle) toggle.textContent = `${folded.has(panel.id) ? "▸" : "▾"} ${panel.title}`;
}

function panelElement(panel) {
  const inside = element("div", { className: "inside" });
  const menu = element("menu", { hidden: true });
  const more = element("button", { className: "more", textContent: "⋮", title: "Menu", ariaExpanded: "false" });
  more.onclick = () => {
    menu.hidden = !menu.hidden;
    more.ariaExpanded = String(!menu.hidden);
  };
  menu.append(
    element("button", {
      textContent: "View SQL",
      onclick: () => {
        menu.hidden = true;
        showSql(panel);
      },
    }),
    ...panel.links.map(({ title, url }) => element("a", { href: url, textContent: title })),
  );
  const about = panel.description
    ? element("span", { className: "about", title: panel.description, textContent: "i" })
    : null;
  const heading = element("h2", {}, element("span", { textContent: panel.title }), about, more);
  const root = element(
    "section",
    { className: `panel ${panel.kind}-panel`, ariaLabel: panel.title },
    heading,
    menu,
    inside,
  );
  return { root, inside };
}

function showSql(panel) {
  const dialog = byId("sql");
  dialog.querySelector("h2").textContent = panel.title;
  dialog.querySelector("pre").textContent = (frames.get(panel.id).sql || ["Nothing was sent yet."]).join("\n\n");
  dialog.showModal();
}

// --- Data: only panels that can be seen are asked for ---

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const frame = [...frames.values()].find(({ root }) => root === target);
      frame.visible = isIntersecting;
      if (isIntersecting && frame.asked !== state().toString()) load(frame);
    }
  },
  { rootMargin: "200px" },
);

function show() {
  if (!board) return;
  byId("range").textContent = `◷ ${rangeName()}`;
  byId("refresh").value = refresh();
  document.documentElement.dataset.theme = state().get("theme") || localStorage.getItem("theme") || "dark";
  update();
}

async function update() {
  clearTimeout(timer);
  if (document.hidden) return; // Nobody looks. The page goes on when it is looked at again.
  const before = [...frames.values()].filter((frame) => frame.panel.kind !== "row");
  for (const frame of before) frame.asked = null;
  mark();
  await Promise.all(before.filter((frame) => frame.visible).map(load));
  clearTimeout(timer);
  const length = /^(\d+)([smhd])$/.exec(refresh());
  const failed = !saved && before.some((frame) => frame.failed);
  const seconds = length ? Number(length[1]) * SECONDS[length[2]] : failed ? RETRY : null;
  if (seconds) timer = setTimeout(update, seconds * 1000);
}

// What is marked on all charts. Without an answer they keep the marks they have.
async function mark() {
  const found = await fetched(`${uid}/marks`).catch(() => marks);
  if (JSON.stringify(found) === JSON.stringify(marks)) return;
  marks.splice(0, marks.length, ...found);
  for (const frame of frames.values()) if (frame.plot) draw(frame, frame.drawing);
}

async function load(frame) {
  frame.asked = state().toString();
  frame.abort?.abort();
  frame.abort = new AbortController();
  const loading = frame.shown ? null : element("div", { className: "loading" });
  if (loading) frame.root.append(loading);
  try {
    const answer = await fetched(`${uid}/${frame.panel.id}`, frame.abort.signal);
    frame.sql = answer.sql;
    frame.failed = Boolean(answer.error);
    if (answer.drawing) await draw(frame, answer.drawing);
    report(frame, answer.error);
  } catch (error) {
    if (error.name === "AbortError") return;
    frame.failed = true;
    report(frame, "The dashboards' server does not answer. The panel asks again by itself.");
  } finally {
    loading?.remove();
  }
}

// What was shown stays, with the error under it.
function report(frame, error) {
  frame.root.querySelector(".error")?.remove();
  if (error) frame.root.append(element("p", { className: "error", textContent: error, role: "alert" }));
}

// --- Controls ---

function choose(start, end) {
  byId("ranges").hidden = true;
  change({ from: start, to: end });
}

byId("range").onclick = () => {
  byId("ranges").hidden = !byId("ranges").hidden;
  byId("range").ariaExpanded = String(!byId("ranges").hidden);
  byId("from").value = field(moment(from()));
  byId("to").value = field(moment(to()));
};
byId("ranges").onsubmit = (event) => {
  event.preventDefault();
  choose(String(new Date(byId("from").value).getTime()), String(new Date(byId("to").value).getTime()));
};
byId("dashboards").onchange = (event) => {
  location.href = saved ? event.target.value : `${event.target.value}?from=${from()}&to=${to()}`;
};
addEventListener("hashchange", () => location.reload());
byId("refresh").onchange = (event) => change({ refresh: event.target.value });
byId("now").onclick = update;
byId("out").onclick = zoomOut;
byId("theme").onclick = () => {
  localStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  change({ theme: null }, true);
  for (const frame of frames.values()) if (frame.drawing) draw(frame, frame.drawing);
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") byId("ranges").hidden = true;
});
document.addEventListener("visibilitychange", update);
addEventListener("popstate", show);
if (saved) for (const id of ["range", "out", "now", "refresh"]) byId(id).disabled = true;
open();
