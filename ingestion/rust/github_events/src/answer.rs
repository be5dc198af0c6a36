//! An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::messages::mended;
use crate::settings::decimal;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const SECONDARY_WAIT: f64 = 60.0;

/// One answer; status 0 and a trouble when no whole one came. `events` are the elements of a good page.
#[derive(Default)]
pub struct Answer {
    pub status: u16,
    pub events: Option<Vec<Box<RawValue>>>,
    headers: HeaderMap,
    body: String,
    trouble: Option<&'static str>,
}

impl Answer {
    pub fn new(status: u16, headers: HeaderMap, bytes: &[u8]) -> Self {
        let body = mended(&String::from_utf8_lossy(bytes)).into_owned();
        let events = if status == 200 { serde_json::from_str(&body).ok() } else { None };
        Self { status, events, headers, body, trouble: None }
    }

    pub fn failed(trouble: &'static str) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    /// Returns the word for what went wrong; `None` after 304 and a good page.
    pub fn error(&self) -> Option<&'static str> {
        match self.status {
            0 | 304 => self.trouble,
            200..=299 => self.events.is_none().then_some("body"),
            403 | 429 => Some(self.limit()),
            401 => Some("unauthorized"),
            422 => Some("unprocessable"),
            500.. => Some("server"),
            300..=399 => Some("redirect"),
            _ => Some("refused"),
        }
    }

    /// Returns whether asking again is of no use.
    pub fn fatal(&self) -> bool {
        matches!(self.error(), Some("forbidden" | "unauthorized" | "refused"))
    }

    /// Returns a refusal in GitHub's own words, and the setting to look at.
    pub fn refusal(&self, token_setting: &str) -> String {
        let answer: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let message: String = answer["message"].as_str().unwrap_or_default().chars().take(200).collect();
        let setting = if self.error() == Some("unauthorized") { format!("({token_setting})") } else { String::new() };
        format!("{} {message} {setting}", self.status).trim_end().into()
    }

    /// Returns the text of a header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
    }

    /// Returns the decimal number in a header; `None` when it holds no such thing.
    pub fn number(&self, name: &str) -> Option<f64> {
        let text = self.header(name);
        decimal(text).filter(|_| text.split('.').next().is_some_and(|whole| whole.len() <= 15))
    }

    /// Returns the seconds between two requests with which the rest of the hour's requests lasts.
    pub fn budget(&self) -> f64 {
        self.number("x-ratelimit-remaining").map_or(0.0, |left| self.reset_in() / left.max(1.0))
    }

    /// Returns the seconds until the limit is new, by the server's own clock.
    pub fn reset_in(&self) -> f64 {
        let reset = self.number("x-ratelimit-reset").unwrap_or_default();
        (reset - self.date()).clamp(0.0, HOUR)
    }

    /// Returns the seconds all pages must wait after a limit; strikes: vague ones in a row before this.
    pub fn wait(&self, strikes: i32) -> f64 {
        match self.retry_after() {
            Some(seconds) => seconds.min(HOUR),
            None if self.vague() => (SECONDARY_WAIT * 2_f64.powi(strikes.min(10))).min(HOUR),
            None => self.reset_in() + 1.0,
        }
    }

    /// Returns whether this is a limit that doesn't say how long.
    pub fn vague(&self) -> bool {
        self.retry_after().is_none() && (self.error() == Some("secondary") || self.reset_in() <= 0.0)
    }

    /// Returns the time a day before the answer, as GitHub writes times.
    pub fn yesterday(&self) -> String {
        let moment = UNIX_EPOCH + Duration::from_secs_f64((self.date() - DAY).max(0.0));
        humantime::format_rfc3339_seconds(moment).to_string()
    }

    fn limit(&self) -> &'static str {
        let vague = || self.body.to_lowercase().contains("rate limit");
        let limited = || self.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit-"));
        if self.retry_after().is_some() {
            "secondary"
        } else if self.number("x-ratelimit-remaining") == Some(0.0) {
            "limit"
        } else if self.status == 429 || limited() || vague() {
            "secondary"
        } else {
            "forbidden"
        }
    }

    /// Returns the seconds to wait as GitHub says; `None` when it doesn't, or says nothing that can be meant.
    fn retry_after(&self) -> Option<f64> {
        let until = || Some(moment(self.header("retry-after"))? - self.date());
        self.number("retry-after").or_else(until).filter(|seconds| *seconds > 0.0)
    }

    /// Returns the Unix time of the answer.
    fn date(&self) -> f64 {
        moment(self.header("date")).unwrap_or_else(|| unix(SystemTime::now()))
    }
}

/// Returns the Unix time of an HTTP date; `None` when it isn't one.
fn moment(date: &str) -> Option<f64> {
    httpdate::parse_http_date(date).ok().map(unix)
}

pub fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
