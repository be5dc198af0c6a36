//! The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9).

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{sleep, sleep_until};

use crate::answer::{Answer, unix};
use crate::feed::{Feed, PAGES};
use crate::log;
use crate::messages::{Message, Seen, messages};
use crate::page::{Counts, Page, line};
use crate::producer::Delivery;
use crate::settings::Settings;

const POLITE: f64 = 60.0;
const LONGEST_WISH: f64 = 3600.0;
const KAFKA_RETRY: Duration = Duration::from_secs(5);
const HEALTHY: f64 = 60.0;
const FULL_QUEUE: usize = 50_000;
const GLANCE: Duration = Duration::from_millis(200);

/// Why a poller ended by itself.
pub enum Failure {
    /// GitHub's answer makes further requests useless.
    Refused(String),
    /// Kafka refused a message for good; `Delivery::flush` says which.
    Undelivered,
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
    mute: bool,
    warn_at: Option<Instant>,
}

impl<'a> Poller<'a> {
    /// Makes all pages due now.
    pub fn new(settings: &'a Settings, feed: &'a Feed, delivery: &'a Delivery) -> Self {
        let (pages, seen, wish) = (PAGES.map(Page::new), Seen::default(), POLITE);
        let (strikes, sent, healthy_until, beaten, mute, warn_at) = (0, 0, 0.0, 0.0, false, None);
        Self { settings, feed, delivery, pages, seen, wish, strikes, sent, healthy_until, beaten, mute, warn_at }
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
        while let Some(missing) = self.missing().await {
            log("WARNING", format_args!("waiting for {missing}"));
            sleep(KAFKA_RETRY).await;
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
            sleep(GLANCE).await;
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
        let page = &mut self.pages[index];
        page.begin();
        let answer = self.feed.get(page.number, page.condition()).await;
        page.end();
        let counts = self.send(index, &answer);
        self.schedule(index, &answer);
        self.report(&self.pages[index], &answer, &counts);
        if answer.fatal() {
            return Err(Failure::Refused(answer.refusal(self.settings.token_setting)));
        }
        // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        self.settle(if self.warn_at.is_some() { Duration::ZERO } else { Duration::from_secs(1) })?;
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
    fn schedule(&mut self, index: usize, answer: &Answer) {
        if answer.error().is_none() {
            let wish = answer.number("x-poll-interval").filter(|wish| *wish > 0.0).unwrap_or(self.wish);
            self.wish = wish.min(LONGEST_WISH);
            self.strikes = 0;
        }
        let limited = matches!(answer.error(), Some("limit" | "secondary"));
        if limited {
            self.pause(answer);
        } else {
            let base = self.settings.poll_interval.map_or(self.wish, |interval| interval.as_secs_f64());
            self.pages[index].schedule(answer, base);
        }
        if limited || answer.error().is_none() {
            let wait = self.pages[index].due.saturating_duration_since(Instant::now());
            self.healthy_until = unix(SystemTime::now() + wait) + HEALTHY;
        }
    }

    /// Makes all pages wait: a limit is the token's, not a page's.
    fn pause(&mut self, answer: &Answer) {
        let end = Instant::now() + Duration::from_secs_f64(answer.wait(self.strikes));
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
    fn beat(&mut self) {
        let Some(path) = self.settings.heartbeat_file.as_ref().filter(|_| self.healthy_until > self.beaten) else {
            return;
        };
        // Replaced as a whole: the health check never reads half a number.
        let new = format!("{path}.new");
        let written = fs::write(&new, format!("{:.0}\n", self.healthy_until)).and_then(|()| fs::rename(&new, path));
        if let (Err(error), false) = (&written, self.mute) {
            log("WARNING", format_args!("HEARTBEAT_FILE {path}: {error}"));
        }
        self.mute = written.is_err();
        self.beaten = self.healthy_until;
    }

    /// Sends the statistics of one request and logs it.
    fn report(&self, page: &Page, answer: &Answer, counts: &Counts) {
        let row = page.row(answer, counts);
        self.delivery.send(&self.settings.polls_topic, row["poller"].as_str(), &row.to_string(), None);
        log(if answer.error().is_some() { "WARNING" } else { "INFO" }, line(&row));
    }
}
