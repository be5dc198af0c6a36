//! One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8).

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::feed::{PAGE_SIZE, PAGES};
use crate::messages::Message;

const RETRY: f64 = 5.0;
const LONGEST_RETRY: f64 = 60.0;
const HOUR: f64 = 3600.0;
const STALE: u32 = 10;
const MUCH_OVERLAP: usize = 50;
const LITTLE_OVERLAP: usize = 10;
const MAX_STRETCH: f64 = 8.0;

/// What was on a page.
#[derive(Default)]
pub struct Counts {
    fetched: usize,
    fresh: usize,
    overlap: usize,
    saturated: bool,
}

/// What is known of one page. Intervals in seconds.
pub struct Page {
    pub number: u8,
    pub due: Instant,
    pub polls: u64,
    pub etag: Option<String>,
    pub unacknowledged_etag: Option<String>,
    sent: SystemTime,
    started: Instant,
    duration: Duration,
    interval: Option<f64>,
    failures: i32,
    unchanged: u32,
    stretch: f64,
    last: Option<HashSet<String>>,
}

impl Page {
    pub fn new(number: u8) -> Self {
        let (now, sent) = (Instant::now(), SystemTime::now());
        Self {
            number,
            due: now,
            polls: 0,
            etag: None,
            unacknowledged_etag: None,
            sent,
            started: now,
            duration: Duration::ZERO,
            interval: None,
            failures: 0,
            unchanged: 0,
            stretch: 1.0,
            last: None,
        }
    }

    /// Notes that a request is sent now.
    pub fn begin(&mut self) {
        (self.sent, self.started) = (SystemTime::now(), Instant::now());
    }

    /// Notes that its answer has come.
    pub fn end(&mut self) {
        self.polls += 1;
        self.duration = self.started.elapsed();
    }

    /// Returns the ETag to send; none after many 304 in a row, as GitHub has served stale pages for days.
    pub fn condition(&self) -> Option<&str> {
        if self.unchanged >= STALE { None } else { self.etag.as_deref() }
    }

    /// Returns the counts of a good answer against the one before; remembers it.
    pub fn compare(&mut self, found: &[Message], fresh: usize, yesterday: &str) -> Counts {
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

    /// Sets the next slot after an answer that is no limit; base: the seconds between two requests as asked for.
    pub fn schedule(&mut self, answer: &Answer, base: f64) {
        let wait = match answer.error() {
            None => {
                self.failures = 0;
                self.unchanged = if answer.events.is_none() { self.unchanged + 1 } else { 0 };
                let interval = base.max(self.budget(answer));
                self.interval = Some(interval);
                interval
            }
            Some("unprocessable") => HOUR,
            Some(_) => self.retry_in(base),
        };
        self.due = self.started + Duration::from_secs_f64(wait);
    }

    /// Counts a failure; returns the seconds to wait, counted from the request that failed.
    fn retry_in(&mut self, base: f64) -> f64 {
        let interval = self.interval.unwrap_or(base);
        let wait = interval.min(RETRY) * 2_f64.powi(self.failures.min(10));
        self.failures += 1;
        wait.min(interval.max(LONGEST_RETRY))
    }

    /// Returns the seconds between two requests of this page with which the hour's requests last for all pages.
    fn budget(&self, answer: &Answer) -> f64 {
        (self.stretch * PAGES.len() as f64 * answer.budget()).min(answer.reset_in() + 1.0)
    }

    /// Returns the statistics of the last request.
    pub fn row(&self, answer: &Answer, counts: &Counts) -> Value {
        let mut row = json!({
            "timestamp": humantime::format_rfc3339_millis(self.sent).to_string(),
            "poller": "rust",
            "poll": self.polls,
            "page": self.number,
            "status": answer.status,
            "error": answer.error(),
            "fetched": counts.fetched,
            "fresh": counts.fresh,
            "duplicate": counts.fetched - counts.fresh,
            "overlap": counts.overlap,
            "saturated": counts.saturated,
            "remaining": answer.number("x-ratelimit-remaining").map(|remaining| remaining as u64),
            "interval": ((self.due - self.started).as_secs_f64() * 1000.0).round() / 1000.0,
            "duration_ms": self.duration.as_millis() as u64,
        });
        if let Some(cells) = row.as_object_mut() {
            cells.retain(|_, cell| !cell.is_null());
        }
        row
    }
}

/// Returns the statistics of one request as a line of the log.
pub fn line(row: &Value) -> String {
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
