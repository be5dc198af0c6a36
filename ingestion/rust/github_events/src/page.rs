//! One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8).

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::answer::{Answer, ErrorKind, HOUR};
use crate::feed::PAGE_SIZE;
use crate::messages::Message;

const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
const MAX_UNCHANGED: u32 = 10;

/// What was on a page. `known`: the share of its recent events that were sent before, if there was a page before.
#[derive(Default)]
pub struct Counts {
    fetched: usize,
    fresh: usize,
    overlap: usize,
    saturated: bool,
    pub known: Option<f64>,
}

/// What is known of one page.
pub struct Page {
    pub number: u8,
    pub due: Instant,
    pub polls: u64,
    pub takes_turns: bool,
    pub etag: Option<String>,
    pub unacknowledged_etag: Option<String>,
    sent: SystemTime,
    started: Instant,
    late: Duration,
    duration: Duration,
    interval: Option<Duration>,
    failures: u32,
    unchanged: u32,
    last: Option<HashSet<String>>,
}

impl Page {
    pub fn new(number: u8) -> Self {
        let (now, sent) = (Instant::now(), SystemTime::now());
        Self {
            number,
            due: now,
            polls: 0,
            takes_turns: true,
            etag: None,
            unacknowledged_etag: None,
            sent,
            started: now,
            late: Duration::ZERO,
            duration: Duration::ZERO,
            interval: None,
            failures: 0,
            unchanged: 0,
            last: None,
        }
    }

    /// Notes that a request is sent now.
    pub fn start_request(&mut self) {
        (self.sent, self.started) = (SystemTime::now(), Instant::now());
        let late = self.started.saturating_duration_since(self.due);
        self.late = if self.polls > 0 { late } else { Duration::ZERO };
    }

    /// Notes that its answer has come.
    pub fn end_request(&mut self) {
        self.polls += 1;
        self.duration = self.started.elapsed();
    }

    /// Returns the ETag for the next request; none after many 304 in a row, as GitHub has served stale pages for days.
    pub fn etag_to_send(&self) -> Option<&str> {
        if self.unchanged >= MAX_UNCHANGED { None } else { self.etag.as_deref() }
    }

    /// Returns when the last request was sent, and its interval's share of so many turns.
    pub fn turn(&self, turns: usize) -> (Instant, Duration) {
        (self.started, self.interval.unwrap_or_default() / turns as u32)
    }

    /// Returns the counts of a good answer against the one before; remembers it.
    pub fn compare(&mut self, messages: &[Message], fresh: &[&Message], day_before: &str) -> Counts {
        let (fetched, sent) = (messages.len(), fresh.len());
        let identities = messages.iter().map(|message| message.identity.clone()).collect();
        let Some(last) = self.last.replace(identities) else {
            return Counts { fetched, fresh: sent, ..Counts::default() };
        };
        let overlap = self.last.iter().flatten().filter(|identity| last.contains(*identity)).count();
        // GitHub serves old events again: only the new ones tell whether the two answers touch.
        let is_recent = |message: &&Message| *message.created_at >= *day_before;
        let recent: HashSet<&String> = messages.iter().filter(is_recent).map(|message| &message.identity).collect();
        let fresh_recent = fresh.iter().filter(|message| recent.contains(&message.identity)).count();
        let touches = recent.iter().any(|identity| last.contains(*identity));
        Counts {
            fetched,
            fresh: sent,
            overlap,
            saturated: fetched >= PAGE_SIZE && recent.len() >= PAGE_SIZE / 2 && !touches,
            known: Some((recent.len() - fresh_recent) as f64 / recent.len().max(1) as f64),
        }
    }

    /// Sets the next slot after an answer that is no limit. `interval`: the time between two requests when all goes well.
    pub fn schedule(&mut self, answer: &Answer, interval: Duration) {
        let planned = self.interval.filter(|_| answer.error().is_some()).unwrap_or(interval);
        let wait = match answer.error() {
            None => {
                self.failures = 0;
                self.unchanged = if answer.events.is_none() { self.unchanged + 1 } else { 0 };
                self.interval = Some(planned);
                planned
            }
            Some(ErrorKind::Unprocessable) => HOUR,
            Some(_) => self.retry_in(planned),
        };
        self.takes_turns = wait == planned;
        self.due = self.started + wait;
    }

    /// Counts a failure; returns the time to wait, counted from the request that failed.
    fn retry_in(&mut self, interval: Duration) -> Duration {
        let wait = interval.min(FIRST_RETRY) * 2_u32.pow(self.failures.min(10));
        self.failures += 1;
        wait.min(interval.max(LONGEST_RETRY))
    }

    /// Returns the statistics of the last request.
    pub fn row(&self, answer: &Answer, counts: &Counts, base_interval: Duration) -> Value {
        let mut row = json!({
            "timestamp": humantime::format_rfc3339_millis(self.sent).to_string(),
            "poller": "rust",
            "poll": self.polls,
            "page": self.number,
            "status": answer.status,
            "error": answer.error().map(ErrorKind::word),
            "fetched": counts.fetched,
            "fresh": counts.fresh,
            "duplicate": counts.fetched - counts.fresh,
            "overlap": counts.overlap,
            "saturated": counts.saturated,
            "remaining": answer.number("x-ratelimit-remaining").map(|remaining| remaining as u64),
            "interval": rounded(self.due - self.started),
            "planned_interval": rounded(self.interval.unwrap_or(base_interval)),
            "late": rounded(self.late),
            "duration_ms": self.duration.as_millis() as u64,
        });
        if let Some(cells) = row.as_object_mut() {
            cells.retain(|_, cell| !cell.is_null());
        }
        row
    }
}

/// Returns the statistics of one request as a line of the log.
pub fn log_line(row: &Value) -> String {
    let counts = ["fetched", "fresh", "duplicate", "overlap"].map(|key| format!("{} {key}", row[key])).join(", ");
    let result = match row["error"].as_str() {
        Some("redirect") => format!("{} redirect (GITHUB_API_URL)", row["status"]),
        Some(error) => format!("{} {error}", row["status"]),
        None => format!("{}, {counts}", row["status"]),
    };
    let next = row["interval"].as_f64().unwrap_or_default();
    let remaining = row["remaining"].as_u64().map_or(String::new(), |remaining| format!(", {remaining} requests left"));
    let saturated = if row["saturated"] == true { ", saturated" } else { "" };
    format!("page {} poll {}: {result}, next in {next:.1} s{remaining}{saturated}", row["page"], row["poll"])
}

/// Returns the seconds of a duration, to the millisecond.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
