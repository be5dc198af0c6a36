//! Reads GitHub's public events and writes them to Kafka, as ../../../CONTRACT.md says.

mod answer;
mod feed;
mod messages;
mod pace;
mod page;
mod poller;
mod producer;
mod settings;

use std::env;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use feed::Feed;
use poller::{Failure, Poller};
use producer::Delivery;
use settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};

const GRACE: Duration = Duration::from_secs(8);

/// Writes one line to standard error.
fn log(level: &str, text: impl Display) {
    eprintln!("{} {level} {text}", humantime::format_rfc3339_seconds(SystemTime::now()));
}

/// Runs one poller; returns its exit code (CONTRACT.md, section 10).
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let environ = |name: &str| env::var_os(name).unwrap_or_default().to_string_lossy().into_owned();
    let arguments: Vec<String> = env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()).collect();
    if let ["--help" | "-h"] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        println!("{}", settings::usage(&environ));
        return ExitCode::SUCCESS;
    }
    match settings::read(&environ, &arguments) {
        Ok(chosen) => poll(chosen).await.into(),
        Err(errors) => {
            errors.iter().for_each(|line| log("ERROR", line));
            2.into()
        }
    }
}

async fn poll(chosen: Settings) -> u8 {
    let (mut terminate, mut interrupt) = (handle(SignalKind::terminate()), handle(SignalKind::interrupt()));
    let token = if chosen.token.is_some() { "with a token" } else { "without a token" };
    let (url, topic, servers) = (&chosen.api_url, &chosen.topic, &chosen.bootstrap_servers);
    log("INFO", format_args!("polling {url} {token} into {topic} at {servers}"));
    let (feed, delivery) = (Feed::new(&chosen), Delivery::new(&chosen));
    let mut poller = Poller::new(&chosen, &feed, &delivery);
    // A signal drops the poller where it waits: for a slot, for Kafka or for an answer, never between the messages of a page.
    let end = tokio::select! {
        biased;
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        end = poller.run() => end,
    };
    log("INFO", format_args!("stopped after {} requests, {} messages sent", poller.requests(), poller.sent()));
    finish(&delivery, end)
}

fn handle(kind: SignalKind) -> Signal {
    signal(kind).expect("signals can be handled")
}

/// Waits for what Kafka has not acknowledged; returns the exit code.
fn finish(delivery: &Delivery, end: Result<(), Failure>) -> u8 {
    if let Err(Failure::Refused(reason)) = &end {
        log("ERROR", format_args!("GitHub refuses: {reason}"));
    }
    match delivery.flush(GRACE) {
        Err(reason) => log("ERROR", format_args!("Kafka refuses: {reason}")),
        Ok(0) => return if end.is_err() { 3 } else { 0 },
        Ok(pending) => log("ERROR", format_args!("{pending} messages were not acknowledged by Kafka")),
    }
    1
}
