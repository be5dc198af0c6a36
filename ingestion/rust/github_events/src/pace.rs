//! When to ask: the plan of POLL_INTERVAL, within what is left of GitHub's limit (CONTRACT.md, section 4).

use std::time::Duration;

use crate::answer::Answer;
use crate::feed::PAGES;
use crate::page::Page;
use crate::settings::Plan;

const DEFAULT_HINT: Duration = Duration::from_secs(60);
/// In turn, each page is asked twice as often as GitHub asks for.
const HINTS_PER_TURN: u32 = 2;
const RESERVE: f64 = 5.0;
const MIN_WEIGHT: f64 = 1.0 / 8.0;
const WEIGHT_GAIN: f64 = 0.3;
const KNOWN_TARGET: f64 = 0.05;

/// The intervals between two requests of a page.
pub struct Pace {
    plan: Plan,
    hint: Duration,
    weights: [f64; 2],
}

impl Pace {
    pub fn new(plan: Plan) -> Self {
        Self { plan, hint: DEFAULT_HINT, weights: [1.0, 1.0] }
    }

    /// Takes from a good answer what changes the pace; `known`: the share of its recent events sent before.
    pub fn learn(&mut self, page: u8, answer: &Answer, known: Option<f64>) {
        self.hint = answer.seconds("x-poll-interval").unwrap_or(self.hint);
        if let Some(known) = known {
            let weight = &mut self.weights[group(page)];
            *weight = (*weight * (1.0 + WEIGHT_GAIN * (KNOWN_TARGET - known))).clamp(MIN_WEIGHT, 1.0);
        }
    }

    /// Returns the interval that the plan asks for, whatever the limit.
    pub fn base_interval(&self) -> Duration {
        match self.plan {
            Plan::InTurn => self.hint / HINTS_PER_TURN,
            Plan::Polite => self.hint,
            Plan::Fixed(interval) => interval,
        }
    }

    /// Returns the interval that the plan and the limit allow.
    pub fn interval(&self, page: u8, answer: &Answer) -> Duration {
        self.base_interval().max(self.budget(page, answer))
    }

    /// If pages take turns, makes them due one after the other, the one that has just answered last.
    pub fn schedule(&self, pages: &mut [Page; 3], last: usize) {
        if !matches!(self.plan, Plan::InTurn) {
            return;
        }
        let (started, turn) = pages[last].turn(PAGES.len());
        let mut order: Vec<usize> =
            (0..pages.len()).filter(|&index| index != last && pages[index].takes_turns).collect();
        order.sort_by_key(|&index| pages[index].due);
        order.push(last);
        for (place, index) in (1..).zip(order) {
            pages[index].due = started + turn * place;
        }
    }

    /// Returns the interval with which the rest of the limit lasts for all pages.
    fn budget(&self, page: u8, answer: &Answer) -> Duration {
        let longest = answer.reset_in() + Duration::from_secs(1);
        if matches!(self.plan, Plan::InTurn) {
            return answer.time_per_request(RESERVE).min(longest) * PAGES.len() as u32;
        }
        let weights: f64 = PAGES.iter().map(|&number| self.weights[group(number)]).sum();
        answer.time_per_request(0.0).mul_f64(weights / self.weights[group(page)]).min(longest)
    }
}

/// Returns which weight is a page's: pages 2 and 3 share one, as they are two parts of one list.
fn group(page: u8) -> usize {
    usize::from(page > 1)
}
