//! An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::messages::replace_lone_surrogates;
use crate::settings::decimal;

pub const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECONDARY_WAIT: Duration = Duration::from_secs(60);
const LONGEST_NUMBER: usize = 15;
const LONGEST_MESSAGE: usize = 200;

/// What went wrong with a request (CONTRACT.md, section 5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    Network,
    Timeout,
    Body,
    Server,
    Redirect,
    Unprocessable,
    Secondary,
    Limit,
    Forbidden,
    Unauthorized,
    Refused,
}

impl ErrorKind {
    /// Returns the word in statistics and log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Body => "body",
            Self::Server => "server",
            Self::Redirect => "redirect",
            Self::Unprocessable => "unprocessable",
            Self::Secondary => "secondary",
            Self::Limit => "limit",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
        }
    }

    /// Returns whether all pages must wait.
    pub fn is_limit(self) -> bool {
        matches!(self, Self::Secondary | Self::Limit)
    }

    /// Returns whether asking again is of no use.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::Forbidden | Self::Unauthorized | Self::Refused)
    }
}

/// One answer; status 0 and a failure when no whole one came. `events` are the elements of a good page.
#[derive(Default)]
pub struct Answer {
    pub status: u16,
    pub events: Option<Vec<Box<RawValue>>>,
    headers: HeaderMap,
    body: String,
    failure: Option<ErrorKind>,
}

impl Answer {
    pub fn new(status: u16, headers: HeaderMap, bytes: &[u8]) -> Self {
        let body = replace_lone_surrogates(&String::from_utf8_lossy(bytes)).into_owned();
        let events = if status == 200 { serde_json::from_str(&body).ok() } else { None };
        Self { status, events, headers, body, failure: None }
    }

    pub fn failed(failure: ErrorKind) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    /// Returns what went wrong; `None` after 304 and a good page.
    pub fn error(&self) -> Option<ErrorKind> {
        match self.status {
            0 | 304 => self.failure,
            _ if self.events.is_some() => None,
            403 | 429 => Some(self.refusal()),
            401 => Some(ErrorKind::Unauthorized),
            422 => Some(ErrorKind::Unprocessable),
            200..=299 => Some(ErrorKind::Body),
            300..=399 => Some(ErrorKind::Redirect),
            500..=599 => Some(ErrorKind::Server),
            _ => Some(ErrorKind::Refused),
        }
    }

    /// Returns a refusal in GitHub's own words, and the setting to look at.
    pub fn error_message(&self, token_setting: &str) -> String {
        let answer: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let message: String = answer["message"].as_str().unwrap_or_default().chars().take(LONGEST_MESSAGE).collect();
        let unauthorized = self.error() == Some(ErrorKind::Unauthorized);
        let setting = if unauthorized { format!("({token_setting})") } else { String::new() };
        format!("{} {message} {setting}", self.status).trim_end().into()
    }

    /// Returns the text of a header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
    }

    /// Returns the decimal number in a header; `None` when it holds no such thing.
    pub fn number(&self, name: &str) -> Option<f64> {
        let text = self.header(name);
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        decimal(text).filter(|_| whole.len() <= LONGEST_NUMBER)
    }

    /// Returns the seconds in a header, at most an hour; `None` without a number above 0.
    pub fn seconds(&self, name: &str) -> Option<Duration> {
        self.number(name).filter(|seconds| *seconds > 0.0).map(within_an_hour)
    }

    /// Returns the time between two requests with which the limit lasts until its reset; 0 without a limit. So many
    /// requests as `reserve` says are left unused.
    pub fn time_per_request(&self, reserve: f64) -> Duration {
        let remaining = self.number("x-ratelimit-remaining");
        remaining.map_or(Duration::ZERO, |remaining| self.reset_in().div_f64((remaining - reserve).max(1.0)))
    }

    /// Returns the time until the limit is new, by the server's own clock.
    pub fn reset_in(&self) -> Duration {
        let reset = self.number("x-ratelimit-reset").unwrap_or_default();
        within_an_hour(reset - unix_seconds(self.date()))
    }

    /// Returns how long all pages must wait after a limit. `consecutive_limits`: how many before did not say how long.
    pub fn wait(&self, consecutive_limits: u32) -> Duration {
        match self.retry_after() {
            Some(wait) => wait,
            None if self.lacks_wait() => (SECONDARY_WAIT * 2_u32.pow(consecutive_limits.min(10))).min(HOUR),
            None => self.reset_in() + Duration::from_secs(1),
        }
    }

    /// Returns whether this is a limit that doesn't say how long.
    pub fn lacks_wait(&self) -> bool {
        self.retry_after().is_none() && (self.error() == Some(ErrorKind::Secondary) || self.reset_in().is_zero())
    }

    /// Returns the time a day before the answer, as GitHub writes times.
    pub fn day_before(&self) -> String {
        humantime::format_rfc3339_seconds(self.date().checked_sub(DAY).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH))
            .to_string()
    }

    /// Tells what a 403 or 429 means.
    fn refusal(&self) -> ErrorKind {
        let has_limit = || self.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit-"));
        let names_limit = || self.body.to_lowercase().contains("rate limit");
        if self.retry_after().is_some() {
            ErrorKind::Secondary
        } else if self.number("x-ratelimit-remaining") == Some(0.0) {
            ErrorKind::Limit
        } else if self.status == 429 || has_limit() || names_limit() {
            ErrorKind::Secondary
        } else {
            ErrorKind::Forbidden
        }
    }

    /// Returns what Retry-After says; `None` without it, or when it is not later than the answer.
    fn retry_after(&self) -> Option<Duration> {
        if self.number("retry-after").is_some() {
            return self.seconds("retry-after");
        }
        let date = httpdate::parse_http_date(self.header("retry-after")).ok()?;
        date.duration_since(self.date()).ok().filter(|wait| !wait.is_zero()).map(|wait| wait.min(HOUR))
    }

    fn date(&self) -> SystemTime {
        httpdate::parse_http_date(self.header("date")).unwrap_or_else(|_| SystemTime::now())
    }
}

fn within_an_hour(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, HOUR.as_secs_f64()))
}

pub fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
