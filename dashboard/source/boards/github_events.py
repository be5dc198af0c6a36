"""The dashboard of GitHub's events: what happens, what the pollers saw of it, and what was expected."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as models

from dashboard.source import panels, polls, sql
from dashboard.source.page import Page
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Choice, Source

TABLE, POLLS, FORECASTS = "github_events", polls.TABLE, "github_events_forecast"
MINUTES, HOURS = "github_events_type_1m", "github_events_type_1h"
LONG = "Over ranges of more than 3 hours this is counted in whole minutes and up to a minute behind."
BOTS = "sum(CASE WHEN actor LIKE '%[bot]' THEN 1 ELSE 0 END) AS bots"
ANSWERED = "status = 200"

# --- What is chosen at the top of the page. Conditions on what is not chosen are constants, which cost QuestDB nothing. ---

EVERYBODY, ALL = "everybody", "'all'"
TYPES = f" AND ({ALL} IN ($type) OR type IN ($type))"
REPOS = "AND ('$repo' = '' OR repo ILIKE '%$repo%')"
PEOPLE = f"AND ('$who' = '{EVERYBODY}' OR (actor LIKE '%[bot]') = ('$who' = 'bots'))"
POLLERS = f" AND ({ALL} IN ($poller) OR poller IN ($poller))"
ROWS = f"{TYPES} {REPOS} {PEOPLE}"
# Views tell bots from people, but only by their number.
EVENTS = (
    "sum(events) * CASE WHEN '$who' = 'bots' THEN 0 ELSE 1 END"
    " + sum(bots) * CASE '$who' WHEN 'bots' THEN 1 WHEN 'people' THEN -1 ELSE 0 END"
)
# No view knows the repository of an event, and those of repositories and actors know nothing else.
BY_REPO = Choice(" OR '$repo' <> ''", " AND '$repo' = ''")
BY_ANY = Choice(
    f"{BY_REPO.table} OR '$who' <> '{EVERYBODY}' OR NOT {ALL} IN ($type)",
    f"{BY_REPO.views} AND '$who' = '{EVERYBODY}' AND {ALL} IN ($type)",
)
COUNT = (Source(TABLE, "count() AS events", ROWS), Source(MINUTES, f"{EVENTS} AS events", TYPES))


def _variables() -> list[object]:
    """Return what can be chosen, in the order of the page."""
    text = build.TextBoxVariable("repo").label("Repository").description("A part of its name; empty for all")
    week = "timestamp > dateadd('d', -7, now())"
    pollers = f"SELECT DISTINCT poller FROM {POLLS} WHERE {week} AND poller IS NOT NULL ORDER BY poller"
    return [
        _listed("type", "Type", f"SELECT DISTINCT type FROM {HOURS} ORDER BY type"),
        build.CustomVariable("who")
        .label("Who")
        .description("Bots are the accounts whose login ends in [bot]")
        .values(f"{EVERYBODY},people,bots")
        .current(models.VariableOption(text=EVERYBODY, value=EVERYBODY)),
        text.default_value("").current(models.VariableOption(text="", value="")),
        _listed("poller", "Poller", pollers),
    ]


def _listed(name: str, label: str, query: str) -> object:
    """Offer what a query returns, several at a time."""
    variable = build.QueryVariable(name).label(label).query(query).datasource(panels.QUESTDB)
    variable.multi(multi=True).include_all(include_all=True).all_value(ALL)
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.current(models.VariableOption(text="All", value="$__all"))


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "github-events-questdb",
        "GitHub Events Dashboard",
        "Public GitHub events as they arrive: GitHub, Kafka, Kafka Connect, QuestDB.",
        TABLE,
        start="now-1h",
        refresh="5s",
    )
    board.link_to_others()
    for variable in _variables():
        board.variable(variable)
    board.marks(polls.silences())
    board.band(4, *_tiles(), widths=(4, 4, 3, 3, 4, 3, 3))
    board.band(3, _note())
    board.band(9, _over_time(), _distribution(), widths=(16, 8))
    board.band(9, _top("repo", "repositories"), _top("actor", "accounts", "actors"), _activity())
    board.row("Pollers: what was asked, what was missed")
    board.band(8, polls.events(POLLERS), _overlap(), _outcomes(), polls.left(POLLERS))
    board.row("Forecast: what was expected, and what came")
    board.band(9, _rate_forecast(), _mix_forecast())
    return board


# --- Numbers of the chosen range ---


def _tiles() -> list[Panel]:
    return [_events(), _current_rate(), _mean_rate(), _bots(), _age(), _silence(), _coverage()]


def _events() -> Panel:
    about = f"Events that happened in the chosen range and have arrived so far. {LONG}"
    return panels.number("Events", sql.total("sum(events) AS events", *COUNT, choice=BY_REPO), about, none="0")


def _current_rate() -> Panel:
    recent = "timestamp > dateadd('m', -5, now()) AND timestamp <= now()"
    query = f"SELECT sum(fresh) / 300.0 AS rate FROM {POLLS} WHERE {recent}{POLLERS}"
    about = "Events a second that pollers saw for the first time, in the last five minutes, whatever the chosen range."
    return panels.rate("Current rate", query, about, none="0")


def _note() -> Panel:
    return panels.note(
        "What to look at",
        "**Current rate** is what arrives now, **Events** what happened in the chosen range: GitHub publishes events five "
        "minutes to hours late, so the newest bars still grow. **Type**, **Who** and **Repository** choose events, "
        "**Poller** chooses requests. Bars of repositories and actors lead to GitHub. "
        "If nothing arrives, see [Stack overview](/d/rta-stack/stack-overview).",
    )


def _mean_rate() -> Panel:
    return panels.rate(
        "Mean rate",
        sql.total(f"sum(events) * 1.0 / ({sql.SPAN}) AS rate", *COUNT, choice=BY_REPO),
        "Captured events a second: those in the chosen range divided by its length. Events still on their way from GitHub "
        f"are not in it yet. {LONG}",
        none="0",
    )


def _bots() -> Panel:
    table = Source(TABLE, f"count() AS events, {BOTS}", f"{TYPES} {REPOS}")
    view = Source(MINUTES, "sum(events) AS events, sum(bots) AS bots", TYPES)
    return panels.number(
        "Bots",
        sql.total("100.0 * sum(bots) / sum(events) AS bots", table, view, choice=BY_REPO),
        "Share of events whose actor's login ends in [bot]. Most automation uses ordinary accounts, so the true share is "
        f"larger. {LONG}",
        unit="percent",
        decimals=1,
        none="none yet",
    )


def _age() -> Panel:
    return panels.number(
        "Age of the newest event",
        sql.newest(TABLE),
        "Now minus the newest created_at that is not of the future, whatever the chosen range. GitHub holds its public feed "
        "back for five minutes, and much of it for longer.",
        unit="s",
        none="none yet",
        steps=below(900, 3600),
    )


def _silence() -> Panel:
    query = f"SELECT datediff('s', table_last_write_timestamp, now()) AS age FROM tables() WHERE table_name = '{TABLE}'"
    return panels.number(
        "Since the last write",
        query,
        "Time since rows last reached the table, whatever the chosen range: how long the pipeline has been silent.",
        unit="s",
        none="never",
        steps=below(120, 600),
    )


def _coverage() -> Panel:
    query = f"""\
SELECT 100.0 * sum(CASE WHEN saturated THEN 0 ELSE 1 END) / count() AS coverage
FROM {POLLS}
WHERE {sql.IN_RANGE} AND {ANSWERED}{POLLERS}"""
    return panels.number(
        "Poll coverage",
        query,
        polls.nothing_missing("answers"),
        unit="percent",
        decimals=0,
        none="no answer",
    )


# --- What happened ---


def _by_type() -> str:
    table = Source(TABLE, f"{sql.per('count()')} AS rate", ROWS)
    view = f"{sql.per(f'({EVENTS})')} AS rate"
    return sql.buckets("type", table, Source(MINUTES, view, TYPES), hours=Source(HOURS, view, TYPES), choice=BY_REPO)


def _over_time() -> Panel:
    return panels.bars(
        "Events a second, by type",
        _by_type(),
        "Events a second at the time they happened (created_at). The newest buckets still fill up, as GitHub publishes "
        "events minutes to hours late. Over ranges of more than 3 hours it reads a view that is up to a minute behind.",
        unit="eps",
        points=120,
        calcs=["max"],
    )


def _distribution() -> Panel:
    table = Source(TABLE, "type, count() AS events", ROWS)
    view = Source(MINUTES, f"type, {EVENTS} AS events", TYPES)
    return panels.donut(
        "Type distribution",
        sql.total("type, sum(events) AS events", table, view, end="\nORDER BY events DESC, type", choice=BY_REPO),
        f"Share of each type in the events of the chosen range. {LONG}",
    )


def _top(column: str, kind: str, name: str = "") -> Panel:
    one = {"repo": "repository", "actor": "account"}[column]
    table = Source(TABLE, f"{column}, count() AS events", ROWS)
    return panels.ranking(
        f"Top {name or kind}",
        sql.top(table, f"{TABLE}_{column}_10m", f"{TABLE}_{column}_1d", column, BY_ANY),
        f"The ten {kind} with the most events in the chosen range. Over ranges of more than 3 hours the counts come from a "
        f"view of busy {kind}: it leaves out at most 2 events for each {one} and 10 minutes, and is up to 5 minutes behind. "
        f"Over more than 2 days, it leaves out at most 10 more for each {one} and day. "
        "With a choice of type, repository, people or bots they are counted in the table, which takes longer.",
        panels.link(f"Open the {one} on GitHub", f"https://github.com/{panels.NAME}").target_blank(target_blank=True),
    )


def _activity() -> Panel:
    return panels.heat_rows(
        "Activity by type",
        sql.ended(_by_type()),
        "Events a second, by bucket and type: bursts of one type stand out that the stacked chart hides. The colour follows "
        "the square root of the rate, as pushes outnumber everything else.",
        unit="eps",
        value="rate",
    )


# --- Pollers ---


def _overlap() -> Panel:
    return panels.lines(
        "Overlap with the answer before",
        polls.by_page("avg(overlap)", f" AND {ANSWERED}{POLLERS}"),
        "Mean number of events that an answer shares with the one before it on the same page, of 100. Zero means that "
        "events were missed in between.",
        decimals=0,
        spans=polls.THREE_REQUESTS,
    )


OUTCOMES = {
    "nothing known missing": ("status = 200 AND NOT saturated", "blue"),
    "saturated": ("status = 200 AND saturated", "purple"),
    "unchanged": ("status = 304", "text"),
    "failed": ("status <> 200 AND status <> 304", "red"),
}


def _outcomes() -> Panel:
    counts = {name: f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)" for name, (condition, _) in OUTCOMES.items()}
    columns = ",\n  ".join(f'{sql.per(count, 60_000)} AS "{name}"' for name, count in counts.items())
    return panels.bars(
        "Answers a minute, by outcome",
        sql.sampled(columns, POLLS, POLLERS, order="time", gaps=False),
        "How requests ended. Saturated: a full page without overlap, so events are certainly missing; on GitHub's public "
        "feed nearly all answers are. Nothing known missing: all other good answers. Unchanged: 304, nothing new.",
        unit="reqpm",
        colours={name: colour for name, (_, colour) in OUTCOMES.items()},
    )


# --- Forecasts, which `make forecast` writes ---

AHEAD = panels.link(
    "Three days back, one ahead", "/d/github-events-questdb/github-events-dashboard?from=now-3d&to=now%2B1d"
)
# What arrived on a page in a bucket is known where one of its answers was good and missed nothing.
ARRIVED = f"""\
SELECT timestamp AS time, page, sum(fresh) / sum(interval) AS rate
    FROM {POLLS}
    WHERE {sql.IN_BUCKETS}
      AND (status = 200 OR status = 304) AND NOT saturated AND poll > 1
    SAMPLE BY $__interval FILL(NULL)"""
RATES = f"{sql.IN_BUCKETS} AND series = 'events a second'"
RATE_FORECAST = f"""\
SELECT time, max(actual) AS actual, max(forecast) AS forecast, max(lower) AS lower, max(upper) AS upper FROM (
  SELECT time, CASE WHEN count(rate) = 3 THEN sum(rate) END AS actual, null::double AS forecast, null::double AS lower, null::double AS upper FROM (
    {ARRIVED}
  ) GROUP BY time
  UNION ALL
  SELECT timestamp_floor('$__interval', timestamp) AS time, null::double, avg(rate), avg(lower), avg(upper)
  FROM (SELECT * FROM {FORECASTS} WHERE {RATES})
  CROSS JOIN (
    SELECT model AS newest, step AS length FROM {FORECASTS}
    WHERE {RATES}
    ORDER BY made_at DESC LIMIT 1
  )
  WHERE model = newest AND step = length
  GROUP BY time
) GROUP BY time ORDER BY time"""  # noqa: E501 - columns of SQL


def _rate_forecast() -> Panel:
    panel = panels.lines(
        "Actual and forecast",
        RATE_FORECAST,
        "Events a second as they arrived, and the forecast with the interval that should hold 90 of 100 values. Both count "
        "what the polls brought where polls touch. Empty where they do not: on GitHub's own feed the rate can't be told, and "
        "the mix beside this panel is forecast instead. `make forecast` writes forecasts. The link shows the days before and "
        "after now.",
        unit="eps",
        points=300,
        decimals=1,
        filled=0,
        spans=True,
    )
    panel.override_by_name("actual", [panels.fixed("green"), panels.custom("spanNulls", value=False)])
    panel.override_by_name("forecast", [panels.fixed("orange")])
    panels.band(panel, "orange", "lower", "upper")
    return panel.interval("2m").links([AHEAD])


IN_HOURS = "timestamp >= timestamp_floor('1h', $__timeFrom()::timestamp) AND timestamp <= $__timeTo()"
MIX_FORECAST = f"""\
SELECT time, max(stars) AS stars, max(stars_forecast) AS "stars, forecast", max(stars_lower) AS "stars, lower", max(stars_upper) AS "stars, upper",
  max(bots) AS bots, max(bots_forecast) AS "bots, forecast", max(bots_lower) AS "bots, lower", max(bots_upper) AS "bots, upper" FROM (
  SELECT timestamp AS time,
    CASE WHEN sum(events) >= 20 THEN 100.0 * sum(CASE WHEN type = 'WatchEvent' THEN events ELSE 0 END) / sum(events) END AS stars,
    CASE WHEN sum(events) >= 20 THEN 100.0 * sum(bots) / sum(events) END AS bots,
    null::double AS stars_forecast, null::double AS stars_lower, null::double AS stars_upper,
    null::double AS bots_forecast, null::double AS bots_lower, null::double AS bots_upper
  FROM {HOURS}
  WHERE {IN_HOURS} AND type NOT IN ('PushEvent', 'CreateEvent', 'DeleteEvent')
  SAMPLE BY 1h FILL(NULL)
  UNION ALL
  SELECT timestamp AS time, null::double, null::double,
    max(CASE WHEN series = 'WatchEvent' THEN 100 * rate END), max(CASE WHEN series = 'WatchEvent' THEN 100 * lower END), max(CASE WHEN series = 'WatchEvent' THEN 100 * upper END),
    max(CASE WHEN series = 'bots' THEN 100 * rate END), max(CASE WHEN series = 'bots' THEN 100 * lower END), max(CASE WHEN series = 'bots' THEN 100 * upper END)
  FROM {FORECASTS}
  WHERE {IN_HOURS} AND model = 'binomial' AND step = 3600 AND series IN ('WatchEvent', 'bots')
  GROUP BY time
) GROUP BY time ORDER BY time"""  # noqa: E501 - columns of SQL


def _mix_forecast() -> Panel:
    panel = panels.lines(
        "Actual and forecast mix",
        MIX_FORECAST,
        "The share of stars, and of events by bots, among events other than pushes, creations and deletions, by hour, and "
        "the forecast with the interval that should hold 90 of 100 values. A sampled feed tells shares, though it tells no "
        "rate. Hours with fewer than 20 events are left out. `make forecast` writes forecasts where polls do not touch.",
        unit="percent",
        points=300,
        decimals=1,
        filled=0,
    )
    for name, actual, forecast in (("stars", "yellow", "orange"), ("bots", "blue", "text")):
        panel.override_by_name(name, [panels.fixed(actual)])
        panel.override_by_name(f"{name}, forecast", [panels.fixed(forecast), panels.DASHED])
        panels.band(panel, forecast, f"{name}, lower", f"{name}, upper")
    return panel.interval("1h").links([AHEAD])
