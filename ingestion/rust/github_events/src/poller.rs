//! The loop over three pages, each with a clock of its own (CONTRACT.md, sections 4, 5, 8 and 9).

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokio::time::{sleep, sleep_until};

use crate::feed::{Answer, Feed, PAGE_SIZE, PAGES, unix};
use crate::log;
use crate::messages::{Message, Seen, messages};
use crate::producer::Delivery;
use crate::settings::Settings;

const POLITE: f64 = 60.0;
const RETRY: f64 = 5.0;
const LONGEST_RETRY: f64 = 60.0;
const HEALTHY: f64 = 60.0;
const HOUR: f64 = 3600.0;
const STALE: u32 = 10;
const FULL_QUEUE: usize = 50_000;
const MUCH_OVERLAP: usize = 50;
const LITTLE_OVERLAP: usize = 10;
const MAX_STRETCH: f64 = 8.0;
const GLANCE: Duration = Duration::from_millis(200);

/// Why a poller ended by itself.
pub enum Failure {
    /// GitHub's answer makes further requests useless.
    Refused(String),
    /// Kafka refused a message for good; `Delivery::flush` says which.
    Undelivered,
}

/// What was on a page.
#[derive(Default)]
struct Counts {
    fetched: usize,
    fresh: usize,
    overlap: usize,
    saturated: bool,
}

/// What is known of one page. Intervals in seconds.
struct Page {
    number: u8,
    due: Instant,
    interval: Option<f64>,
    polls: u64,
    failures: i32,
    unchanged: u32,
    stretch: f64,
    etag: Option<String>,
    unacknowledged_etag: Option<String>,
    last: Option<HashSet<String>>,
}

impl Page {
    fn new(number: u8) -> Self {
        let (due, interval, polls, failures, unchanged, stretch) = (Instant::now(), None, 0, 0, 0, 1.0);
        let (etag, unacknowledged_etag, last) = (None, None, None);
        Self { number, due, interval, polls, failures, unchanged, stretch, etag, unacknowledged_etag, last }
    }

    /// Returns the ETag to send; none after many 304 in a row, as GitHub has served stale pages for days.
    fn condition(&self) -> Option<&str> {
        if self.unchanged >= STALE { None } else { self.etag.as_deref() }
    }

    /// Returns the counts of a good answer against the one before; remembers it.
    fn compare(&mut self, found: &[Message], fresh: usize, yesterday: &str) -> Counts {
        let identities = found.iter().map(|message| message.identity.clone()).collect();
        let Some(last) = self.last.replace(identities) else {
            return Counts { fetched: found.len(), fresh, ..Counts::default() };
        };
        let overlap = self.last.iter().flatten().filter(|identity| last.contains(*identity)).count();
        self.adapt(overlap);
        // GitHub serves old events again: only the new ones tell whether the two answers touch.
        let recent: HashSet<&String> =
            found.iter().filter(|message| *message.created_at >= *yesterday).map(|message| &message.identity).collect();
        let apart = !recent.iter().any(|identity| last.contains(*identity));
        let saturated = found.len() >= PAGE_SIZE && recent.len() >= PAGE_SIZE / 2 && apart;
        Counts { fetched: found.len(), fresh, overlap, saturated }
    }

    /// Leaves more of a scarce budget to the other pages when this one moves slowly.
    fn adapt(&mut self, overlap: usize) {
        if overlap > MUCH_OVERLAP {
            self.stretch = (self.stretch * 1.25).min(MAX_STRETCH);
        } else if overlap < LITTLE_OVERLAP {
            self.stretch = (self.stretch / 2.0).max(1.0);
        }
    }

    /// Counts a failure; returns the seconds to wait, counted from the request that failed.
    fn retry_in(&mut self, base: f64) -> f64 {
        let interval = self.interval.unwrap_or(base);
        let wait = interval.min(RETRY) * 2_f64.powi(self.failures.min(10));
        self.failures += 1;
        wait.min(interval.max(LONGEST_RETRY))
    }

    /// Sets the next slot, seconds after the request that succeeded.
    fn succeed(&mut self, interval: f64, started: Instant) {
        self.failures = 0;
        self.interval = Some(interval);
        self.due = started + seconds(interval);
    }
}

/// Asks the pages in turn until it is dropped.
pub struct Poller<'a> {
    settings: &'a Settings,
    feed: &'a Feed,
    delivery: &'a Delivery,
    pages: [Page; 3],
    seen: Seen,
    wish: f64,
    strikes: i32,
    sent: usize,
    healthy_until: f64,
    beaten: f64,
    warn_at: Option<Instant>,
}

impl<'a> Poller<'a> {
    /// Makes all pages due now.
    pub fn new(settings: &'a Settings, feed: &'a Feed, delivery: &'a Delivery) -> Self {
        let (pages, seen, wish) = (PAGES.map(Page::new), Seen::default(), POLITE);
        let (strikes, sent, healthy_until, beaten, warn_at) = (0, 0, 0.0, 0.0, None);
        Self { settings, feed, delivery, pages, seen, wish, strikes, sent, healthy_until, beaten, warn_at }
    }

    pub fn requests(&self) -> u64 {
        self.pages.iter().map(|page| page.polls).sum()
    }

    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Polls until MAX_POLLS.
    pub async fn run(&mut self) -> Result<(), Failure> {
        self.await_topics().await;
        while let Some(index) = self.next() {
            self.poll(index).await?;
        }
        while self.settle(Duration::ZERO)? > 0 {
            sleep(GLANCE).await;
        }
        Ok(())
    }

    async fn await_topics(&self) {
        while let Some(missing) = self.delivery.missing(seconds(RETRY)) {
            log("WARNING", format_args!("waiting for {missing}"));
            sleep(seconds(RETRY)).await;
        }
    }

    /// Returns the index of the page that is due first; none when all have had their MAX_POLLS.
    fn next(&self) -> Option<usize> {
        let limit = self.settings.max_polls.unwrap_or(u64::MAX);
        (0..self.pages.len())
            .filter(|&index| self.pages[index].polls < limit)
            .min_by_key(|&index| self.pages[index].due)
    }

    async fn poll(&mut self, index: usize) -> Result<(), Failure> {
        self.wait(self.pages[index].due).await?;
        let (sent, started) = (SystemTime::now(), Instant::now());
        let answer = self.feed.get(self.pages[index].number, self.pages[index].condition()).await;
        let duration = started.elapsed();
        self.pages[index].polls += 1;
        let counts = self.send(index, &answer);
        self.schedule(index, &answer, started);
        let interval = (self.pages[index].due - started).as_secs_f64();
        self.report(&self.pages[index], &answer, &counts, sent, (interval, duration));
        if answer.fatal() {
            return Err(Failure::Refused(answer.refusal()));
        }
        // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        self.settle(seconds(if self.warn_at.is_some() { 0.0 } else { 1.0 }))?;
        Ok(())
    }

    /// Waits for a time, and longer while too much is unacknowledged.
    async fn wait(&mut self, due: Instant) -> Result<(), Failure> {
        loop {
            let pending = self.settle(Duration::ZERO)?;
            if pending < FULL_QUEUE && (pending == 0 || Instant::now() >= due) {
                break;
            }
            sleep(GLANCE).await;
        }
        sleep_until(due.into()).await;
        Ok(())
    }

    /// Sends what is new on a page; returns what was on it.
    fn send(&mut self, index: usize, answer: &Answer) -> Counts {
        let Some(events) = &answer.events else {
            return Counts::default();
        };
        let found = messages(events);
        let fresh: Vec<&Message> = found.iter().filter(|message| self.seen.add(&message.identity)).collect();
        let dead_letters = format!("{}_dlq", self.settings.topic);
        for message in &fresh {
            let topic = if message.reason.is_some() { &dead_letters } else { &self.settings.topic };
            self.delivery.send(topic, message.key.as_deref(), &message.value, message.reason.as_deref());
        }
        self.sent += fresh.len();
        let page = &mut self.pages[index];
        page.unacknowledged_etag = Some(answer.header("etag").to_owned()).filter(|etag| !etag.is_empty());
        page.compare(&found, fresh.len(), &answer.yesterday())
    }

    /// Sets when this page is due; after a limit, when all are.
    fn schedule(&mut self, index: usize, answer: &Answer, started: Instant) {
        let chosen = self.settings.poll_interval.map(|interval| interval.as_secs_f64());
        let base = chosen.unwrap_or(self.wish);
        match answer.error() {
            Some("limit" | "secondary") => self.pause(answer),
            Some("unprocessable") => self.pages[index].due = started + seconds(HOUR),
            Some(_) => self.pages[index].due = started + seconds(self.pages[index].retry_in(base)),
            None => {
                self.wish = answer.number("x-poll-interval").filter(|wish| *wish > 0.0).unwrap_or(self.wish);
                self.strikes = 0;
                let page = &mut self.pages[index];
                let budget = (page.stretch * answer.budget()).min(answer.reset_in() + 1.0);
                page.succeed(chosen.unwrap_or(self.wish).max(budget), started);
                page.unchanged = if answer.events.is_none() { page.unchanged + 1 } else { 0 };
            }
        }
        if matches!(answer.error(), None | Some("limit" | "secondary")) {
            let wait = self.pages[index].due.saturating_duration_since(Instant::now());
            self.healthy_until = unix(SystemTime::now() + wait) + HEALTHY;
        }
    }

    /// Makes all pages wait: a limit is the token's, not a page's.
    fn pause(&mut self, answer: &Answer) {
        let end = Instant::now() + seconds(answer.wait(self.strikes));
        self.strikes += i32::from(answer.vague());
        for page in &mut self.pages {
            page.due = page.due.max(end);
        }
    }

    /// Waits for acknowledgements; returns how many are missing. With none missing, all counts as done.
    fn settle(&mut self, timeout: Duration) -> Result<usize, Failure> {
        let pending = self.delivery.flush(timeout).map_err(|_| Failure::Undelivered)?;
        if pending > 0 {
            self.complain(pending);
            return Ok(pending);
        }
        self.warn_at = None;
        for page in &mut self.pages {
            page.etag = page.unacknowledged_etag.clone();
        }
        self.beat();
        Ok(0)
    }

    fn complain(&mut self, pending: usize) {
        let now = Instant::now();
        match self.warn_at {
            None => self.warn_at = Some(now + seconds(1.0)),
            Some(time) if now >= time => {
                self.warn_at = Some(now + seconds(60.0));
                let servers = &self.settings.bootstrap_servers;
                log("WARNING", format_args!("{pending} messages wait for Kafka at {servers}"));
            }
            Some(_) => {}
        }
    }

    /// Writes until when this poller counts as healthy, if that has changed.
    fn beat(&mut self) {
        let Some(path) = self.settings.heartbeat_file.as_ref().filter(|_| self.healthy_until > self.beaten) else {
            return;
        };
        // Replaced as a whole: the health check never reads half a number.
        let new = format!("{path}.new");
        let written = fs::write(&new, format!("{:.0}\n", self.healthy_until)).and_then(|()| fs::rename(&new, path));
        if let Err(error) = written {
            log("WARNING", format_args!("HEARTBEAT_FILE {path}: {error}"));
        }
        self.beaten = self.healthy_until;
    }

    /// Sends the statistics of one request and logs it; times: seconds to the next request, and to the answer.
    fn report(&self, page: &Page, answer: &Answer, counts: &Counts, sent: SystemTime, times: (f64, Duration)) {
        let mut row = json!({
            "timestamp": humantime::format_rfc3339_millis(sent).to_string(),
            "poller": "rust",
            "poll": page.polls,
            "page": page.number,
            "status": answer.status,
            "error": answer.error(),
            "fetched": counts.fetched,
            "fresh": counts.fresh,
            "duplicate": counts.fetched - counts.fresh,
            "overlap": counts.overlap,
            "saturated": counts.saturated,
            "remaining": answer.number("x-ratelimit-remaining").map(|remaining| remaining as u64),
            "interval": (times.0 * 1000.0).round() / 1000.0,
            "duration_ms": times.1.as_millis() as u64,
        });
        log(if answer.error().is_some() { "WARNING" } else { "INFO" }, line(&row));
        if let Some(cells) = row.as_object_mut() {
            cells.retain(|_, cell| !cell.is_null());
        }
        self.delivery.send(&self.settings.polls_topic, Some("rust"), &row.to_string(), None);
    }
}

/// Returns the statistics of one request as a line of the log.
fn line(row: &Value) -> String {
    let counts = ["fetched", "fresh", "duplicate", "overlap"].map(|key| format!("{} {key}", row[key])).join(", ");
    let found = match row["error"].as_str() {
        Some("redirect") => format!("{} redirect (GITHUB_API_URL)", row["status"]),
        Some(error) => format!("{} {error}", row["status"]),
        None => format!("{}, {counts}", row["status"]),
    };
    let next = row["interval"].as_f64().unwrap_or_default();
    let left = row["remaining"].as_u64().map_or(String::new(), |left| format!(", {left} requests left"));
    let saturated = if row["saturated"] == true { ", saturated" } else { "" };
    format!("page {} poll {}: {found}, next in {next:.1} s{left}{saturated}", row["page"], row["poll"])
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
