// One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8).

import { PAGE_SIZE, PAGES } from "./feed.js";

const RETRY = 5;
const LONGEST_RETRY = 60;
const HOUR = 3600;
const STALE = 10;
const MUCH_OVERLAP = 50;
const LITTLE_OVERLAP = 10;
const MAX_STRETCH = 8;
/** What was on a page that was not a good answer. */
export const NOTHING = { fetched: 0, fresh: 0, overlap: 0, saturated: false };

/** What is known of one page. Times are seconds of the monotonic clock, but for `sent`. */
export class Page {
  due = now();
  sent = undefined;
  started = undefined;
  duration = undefined;
  interval = undefined;
  polls = 0;
  failures = 0;
  unchanged = 0;
  stretch = 1;
  etag = undefined;
  unacknowledgedEtag = undefined;
  last = undefined;

  constructor(number) {
    this.number = number;
  }

  /** Note that a request is sent now. */
  begin() {
    this.sent = new Date();
    this.started = now();
  }

  /** Note that its answer has come. */
  end() {
    this.polls += 1;
    this.duration = now() - this.started;
  }

  /** The ETag to send; none after many 304 in a row, as GitHub has served stale pages for days. */
  condition() {
    return this.unchanged >= STALE ? undefined : this.etag;
  }

  /** The counts of a good answer against the one before, which it replaces. */
  compare(found, fresh, yesterday) {
    const last = this.last;
    this.last = new Set(found.map(({ identity }) => identity));
    const fetched = found.length;
    if (!last) {
      return { ...NOTHING, fetched, fresh };
    }
    const overlap = [...this.last].filter((identity) => last.has(identity)).length;
    this.adapt(overlap);
    // GitHub serves old events again: only the new ones tell whether the two answers touch.
    const recent = new Set(found.filter(({ createdAt }) => createdAt >= yesterday).map(({ identity }) => identity));
    const touches = [...recent].some((identity) => last.has(identity));
    return { fetched, fresh, overlap, saturated: fetched >= PAGE_SIZE && recent.size >= PAGE_SIZE / 2 && !touches };
  }

  /** Leave more of a scarce budget to the other pages when this one moves slowly. */
  adapt(overlap) {
    if (overlap > MUCH_OVERLAP) {
      this.stretch = Math.min(this.stretch * 1.25, MAX_STRETCH);
    } else if (overlap < LITTLE_OVERLAP) {
      this.stretch = Math.max(this.stretch / 2, 1);
    }
  }

  /** Set the next slot after an answer that is no limit; base: the seconds between two requests as asked for. */
  schedule(answer, base) {
    let wait = HOUR;
    if (!answer.error) {
      wait = Math.max(base, this.budget(answer));
      this.interval = wait;
      this.failures = 0;
      this.unchanged = answer.events ? 0 : this.unchanged + 1;
    } else if (answer.error !== "unprocessable") {
      wait = this.retryIn(base);
    }
    this.due = this.started + wait;
  }

  /** Count a failure; return the seconds to wait, counted from the request that failed. */
  retryIn(base) {
    const interval = this.interval ?? base;
    const wait = Math.min(interval, RETRY) * 2 ** this.failures;
    this.failures += 1;
    return Math.min(wait, Math.max(interval, LONGEST_RETRY));
  }

  /** The seconds between two requests of this page with which the hour's requests last for all pages. */
  budget(answer) {
    return Math.min(this.stretch * PAGES.length * answer.budget(), answer.resetIn() + 1);
  }

  /** The statistics of the last request. */
  row(answer, counts) {
    const remaining = answer.number("x-ratelimit-remaining");
    return {
      timestamp: this.sent.toISOString(),
      poller: "nodejs",
      poll: this.polls,
      page: this.number,
      status: answer.status,
      error: answer.error,
      fetched: counts.fetched,
      fresh: counts.fresh,
      duplicate: counts.fetched - counts.fresh,
      overlap: counts.overlap,
      saturated: counts.saturated,
      remaining: remaining === undefined ? undefined : Math.floor(remaining),
      interval: Math.round((this.due - this.started) * 1000) / 1000,
      duration_ms: Math.round(this.duration * 1000),
    };
  }
}

/** The statistics of one request as a line of the log. */
export function line(row) {
  const { page, poll, status, error, fetched, fresh, duplicate, overlap, remaining, interval } = row;
  const counts = `${fetched} fetched, ${fresh} fresh, ${duplicate} duplicate, ${overlap} overlap`;
  const moved = error === "redirect" ? " (GITHUB_API_URL)" : "";
  const found = error ? `${status} ${error}${moved}` : `${status}, ${counts}`;
  const left = remaining === undefined ? "" : `, ${remaining} requests left`;
  const saturated = row.saturated ? ", saturated" : "";
  return `page ${page} poll ${poll}: ${found}, next in ${interval.toFixed(1)} s${left}${saturated}`;
}

/** Seconds of the monotonic clock. */
export function now() {
  return performance.now() / 1000;
}
