//! The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9).

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{sleep, sleep_until};

use crate::answer::{Answer, ErrorKind, unix_seconds};
use crate::feed::{Feed, PAGES};
use crate::log;
use crate::messages::{Message, Seen, messages};
use crate::pace::Pace;
use crate::page::{Counts, Page, log_line};
use crate::producer::Delivery;
use crate::settings::Settings;

const KAFKA_RETRY: Duration = Duration::from_secs(5);
const HEALTHY: Duration = Duration::from_secs(60);
const FULL_QUEUE: usize = 50_000;
const POLL_STEP: Duration = Duration::from_millis(200);

/// Why a poller ended by itself.
pub enum Failure {
    /// GitHub's answer makes further requests useless.
    Refused(String),
    /// Kafka refused a message for good; `Delivery::flush` says which.
    Undelivered,
}

/// Asks the pages by their plan until it is dropped.
pub struct Poller<'a> {
    settings: &'a Settings,
    feed: &'a Feed,
    delivery: &'a Delivery,
    pages: [Page; 3],
    seen: Seen,
    pace: Pace,
    consecutive_limits: u32,
    sent: usize,
    healthy_until: SystemTime,
    last_heartbeat: SystemTime,
    heartbeat_failed: bool,
    warn_at: Option<Instant>,
}

impl<'a> Poller<'a> {
    /// Makes all pages due now.
    pub fn new(settings: &'a Settings, feed: &'a Feed, delivery: &'a Delivery) -> Self {
        Self {
            settings,
            feed,
            delivery,
            pages: PAGES.map(Page::new),
            seen: Seen::default(),
            pace: Pace::new(settings.plan),
            consecutive_limits: 0,
            sent: 0,
            healthy_until: UNIX_EPOCH,
            last_heartbeat: UNIX_EPOCH,
            heartbeat_failed: false,
            warn_at: None,
        }
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
        while let Some(index) = self.next_page() {
            self.poll(index).await?;
        }
        while self.await_acknowledgements(Duration::ZERO)? > 0 {
            sleep(POLL_STEP).await;
        }
        Ok(())
    }

    async fn await_topics(&self) {
        while let Some(missing) = self.missing().await {
            log("WARNING", format_args!("waiting for {missing}"));
        }
    }

    /// Asks Kafka for a few seconds, with a break after each in which a signal is seen.
    async fn missing(&self) -> Option<String> {
        let end = Instant::now() + KAFKA_RETRY;
        loop {
            let missing = self.delivery.missing(Duration::from_secs(1));
            if missing.is_none() || Instant::now() >= end {
                return missing;
            }
            sleep(POLL_STEP).await;
        }
    }

    /// Returns the index of the page that is due first; none when all have had their MAX_POLLS.
    fn next_page(&self) -> Option<usize> {
        let limit = self.settings.max_polls.unwrap_or(u64::MAX);
        (0..self.pages.len())
            .filter(|&index| self.pages[index].polls < limit)
            .min_by_key(|&index| self.pages[index].due)
    }

    async fn poll(&mut self, index: usize) -> Result<(), Failure> {
        self.wait(self.pages[index].due).await?;
        let page = &mut self.pages[index];
        page.start_request();
        let answer = self.feed.get(page.number, page.etag_to_send()).await;
        page.end_request();
        let counts = self.send(index, &answer);
        self.schedule(index, &answer, &counts);
        self.report(&self.pages[index], &answer, &counts);
        if answer.error().is_some_and(ErrorKind::is_fatal) {
            return Err(Failure::Refused(answer.error_message(self.settings.token_setting)));
        }
        // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        self.await_acknowledgements(if self.warn_at.is_some() { Duration::ZERO } else { Duration::from_secs(1) })?;
        Ok(())
    }

    /// Waits for a time, and longer while too much is unacknowledged.
    async fn wait(&mut self, due: Instant) -> Result<(), Failure> {
        loop {
            let pending = self.await_acknowledgements(Duration::ZERO)?;
            if pending < FULL_QUEUE && (pending == 0 || Instant::now() >= due) {
                break;
            }
            sleep(POLL_STEP).await;
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
        page.compare(&found, &fresh, &answer.day_before())
    }

    /// Sets when this page is due; after a limit, when all are.
    fn schedule(&mut self, index: usize, answer: &Answer, counts: &Counts) {
        let page = &mut self.pages[index];
        match answer.error() {
            Some(error) if error.is_limit() => self.pause(answer),
            Some(_) => return page.schedule(answer, self.pace.base_interval()),
            None => {
                self.consecutive_limits = 0;
                self.pace.learn(page.number, answer, counts.known);
                page.schedule(answer, self.pace.interval(page.number, answer));
                self.pace.schedule(&mut self.pages, index);
            }
        }
        let wait = self.pages[index].due.saturating_duration_since(Instant::now());
        self.healthy_until = SystemTime::now() + wait + HEALTHY;
    }

    /// Makes all pages wait: a limit is the token's, not a page's.
    fn pause(&mut self, answer: &Answer) {
        let end = Instant::now() + answer.wait(self.consecutive_limits);
        self.consecutive_limits += u32::from(answer.lacks_wait());
        for page in &mut self.pages {
            page.due = page.due.max(end);
        }
    }

    /// Waits for acknowledgements; returns how many are missing. With none missing, all counts as done.
    fn await_acknowledgements(&mut self, timeout: Duration) -> Result<usize, Failure> {
        let pending = self.delivery.flush(timeout).map_err(|_| Failure::Undelivered)?;
        if pending > 0 {
            self.warn_pending(pending);
            return Ok(pending);
        }
        self.warn_at = None;
        for page in &mut self.pages {
            page.etag = page.unacknowledged_etag.clone();
        }
        self.write_heartbeat();
        Ok(0)
    }

    fn warn_pending(&mut self, pending: usize) {
        let now = Instant::now();
        match self.warn_at {
            None => self.warn_at = Some(now + Duration::from_secs(1)),
            Some(time) if now >= time => {
                self.warn_at = Some(now + Duration::from_secs(60));
                let servers = &self.settings.bootstrap_servers;
                log("WARNING", format_args!("{pending} messages wait for Kafka at {servers}"));
            }
            Some(_) => {}
        }
    }

    /// Writes until when this poller counts as healthy, if that has changed.
    fn write_heartbeat(&mut self) {
        let Some(path) = self.settings.heartbeat_file.as_ref().filter(|_| self.healthy_until > self.last_heartbeat)
        else {
            return;
        };
        // Replaced as a whole: the health check never reads half a number.
        let new = format!("{path}.new");
        let written =
            fs::write(&new, format!("{:.0}\n", unix_seconds(self.healthy_until))).and_then(|()| fs::rename(&new, path));
        if let (Err(error), false) = (&written, self.heartbeat_failed) {
            log("WARNING", format_args!("HEARTBEAT_FILE {path}: {error}"));
        }
        self.heartbeat_failed = written.is_err();
        self.last_heartbeat = self.healthy_until;
    }

    /// Sends the statistics of one request and logs it.
    fn report(&self, page: &Page, answer: &Answer, counts: &Counts) {
        let row = page.row(answer, counts, self.pace.base_interval());
        self.delivery.send(&self.settings.polls_topic, row["poller"].as_str(), &row.to_string(), None);
        log(if answer.error().is_some() { "WARNING" } else { "INFO" }, log_line(&row));
    }
}
