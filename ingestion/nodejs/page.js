// One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8).

import { ErrorKind, HOUR } from "./answer.js";
import { PAGE_SIZE } from "./feed.js";

const FIRST_RETRY = 5;
const LONGEST_RETRY = 60;
const MAX_UNCHANGED = 10;
/** What was on a page that was not a good answer. */
export const NO_COUNTS = { fetched: 0, fresh: 0, overlap: 0, saturated: false };

/** What is known of one page. Times are seconds of the monotonic clock, but for `sent`. */
export class Page {
  due = now();
  sent = undefined;
  started = undefined;
  late = 0;
  duration = undefined;
  interval = undefined;
  polls = 0;
  failures = 0;
  unchanged = 0;
  takesTurns = true;
  etag = undefined;
  unacknowledgedEtag = undefined;
  last = undefined;

  constructor(number) {
    this.number = number;
  }

  /** Note that a request is sent now. */
  startRequest() {
    this.sent = new Date();
    this.started = now();
    this.late = this.polls > 0 ? Math.max(this.started - this.due, 0) : 0;
  }

  /** Note that its answer has come. */
  endRequest() {
    this.polls += 1;
    this.duration = now() - this.started;
  }

  /** The ETag for the next request; none after many 304 in a row, as GitHub has served stale pages for days. */
  etagToSend() {
    return this.unchanged >= MAX_UNCHANGED ? undefined : this.etag;
  }

  /** The counts of a good answer against the one before, which it replaces; known: the share of recent events sent before. */
  compare(messages, fresh, dayBefore) {
    const last = this.last;
    this.last = new Set(messages.map(({ identity }) => identity));
    const fetched = messages.length;
    if (!last) {
      return { ...NO_COUNTS, fetched, fresh: fresh.length };
    }
    const overlap = [...this.last].filter((identity) => last.has(identity)).length;
    // GitHub serves old events again: only the new ones tell whether the two answers touch.
    const recent = new Set(messages.filter(({ createdAt }) => createdAt >= dayBefore).map(({ identity }) => identity));
    const touches = [...recent].some((identity) => last.has(identity));
    const saturated = fetched >= PAGE_SIZE && recent.size >= PAGE_SIZE / 2 && !touches;
    const freshRecent = fresh.filter(({ identity }) => recent.has(identity)).length;
    const known = (recent.size - freshRecent) / Math.max(recent.size, 1);
    return { fetched, fresh: fresh.length, overlap, saturated, known };
  }

  /** Set the next slot after an answer that is no limit; interval: the seconds between two requests when all goes well. */
  schedule(answer, interval) {
    const planned = answer.error ? (this.interval ?? interval) : interval;
    let wait = planned;
    if (answer.error) {
      wait = answer.error === ErrorKind.UNPROCESSABLE ? HOUR : this.#retryIn(planned);
    } else {
      this.interval = planned;
      this.failures = 0;
      this.unchanged = answer.events ? 0 : this.unchanged + 1;
    }
    this.takesTurns = wait === planned;
    this.due = this.started + wait;
  }

  /** Count a failure; return the seconds to wait, counted from the request that failed. */
  #retryIn(interval) {
    const wait = Math.min(interval, FIRST_RETRY) * 2 ** this.failures;
    this.failures += 1;
    return Math.min(wait, Math.max(interval, LONGEST_RETRY));
  }

  /** The statistics of the last request. */
  row(answer, counts, baseInterval) {
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
      interval: milliseconds(this.due - this.started),
      planned_interval: milliseconds(this.interval ?? baseInterval),
      late: milliseconds(this.late),
      duration_ms: Math.round(this.duration * 1000),
    };
  }
}

/** The statistics of one request as a line of the log. */
export function logLine(row) {
  const { page, poll, status, error, fetched, fresh, duplicate, overlap, interval } = row;
  const counts = `${fetched} fetched, ${fresh} fresh, ${duplicate} duplicate, ${overlap} overlap`;
  const moved = error === ErrorKind.REDIRECT ? " (GITHUB_API_URL)" : "";
  const result = error ? `${status} ${error}${moved}` : `${status}, ${counts}`;
  const remaining = row.remaining === undefined ? "" : `, ${row.remaining} requests left`;
  const saturated = row.saturated ? ", saturated" : "";
  return `page ${page} poll ${poll}: ${result}, next in ${interval.toFixed(1)} s${remaining}${saturated}`;
}

/** Seconds of the monotonic clock. */
export function now() {
  return performance.now() / 1000;
}

function milliseconds(seconds) {
  return Math.round(seconds * 1000) / 1000;
}
