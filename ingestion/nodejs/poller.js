// The loop over three pages, each with a clock of its own (CONTRACT.md, sections 4, 5, 8 and 9).

import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PAGE_SIZE, PAGES } from "./feed.js";
import { messages, Seen } from "./messages.js";

const POLITE = 60;
const RETRY = 5;
const LONGEST_RETRY = 60;
const HEALTHY = 60;
const HOUR = 3600;
const STALE = 10;
const FULL_QUEUE = 50_000;
const MUCH_OVERLAP = 50;
const LITTLE_OVERLAP = 10;
const MAX_STRETCH = 8;
const NOTHING = { fetched: 0, fresh: 0, overlap: 0, saturated: false };

/** GitHub's answer makes further requests useless. */
export class RefusedError extends Error {}

/** What is known of one page. Times are seconds of the monotonic clock. */
export class Page {
  due = now();
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

  /** Count a failure; return the seconds to wait, counted from the request that failed. */
  retryIn(base) {
    const interval = this.interval ?? base;
    const wait = Math.min(interval, RETRY) * 2 ** this.failures;
    this.failures += 1;
    return Math.min(wait, Math.max(interval, LONGEST_RETRY));
  }

  /** Set the next slot, seconds after the request that succeeded. */
  succeed(interval, started) {
    Object.assign(this, { failures: 0, interval, due: started + interval });
  }
}

/** Asks the pages in turn until it is stopped. */
export class Poller {
  #settings;
  #feed;
  #delivery;
  #log;
  #pages = PAGES.map((number) => new Page(number));
  #seen = new Seen();
  #stopped = new AbortController();
  #wish = POLITE;
  #strikes = 0;
  #sent = 0;
  #healthyUntil = 0;
  #beaten = 0;
  #warnAt = undefined;

  /** All pages are due now. log takes a level and a text. */
  constructor(settings, feed, delivery, log) {
    this.#settings = settings;
    this.#feed = feed;
    this.#delivery = delivery;
    this.#log = log;
  }

  /** Handle a signal: leave a wait or a request at once; a page that has come is in the producer's hands already. */
  stop() {
    this.#stopped.abort();
  }

  /** Poll until MAX_POLLS or a signal; throws RefusedError or DeliveryError. */
  async run() {
    await this.#awaitTopics();
    for (let page = this.#next(); page && !this.#stopping(); page = this.#next()) {
      await this.#poll(page);
    }
    while (!this.#stopping() && (await this.#settle(1)) > 0);
    const requests = this.#pages.reduce((sum, page) => sum + page.polls, 0);
    this.#log("INFO", `stopped after ${requests} requests, ${this.#sent} messages sent`);
  }

  #stopping() {
    return this.#stopped.signal.aborted;
  }

  async #awaitTopics() {
    const stop = new Promise((resolve) => this.#stopped.signal.addEventListener("abort", () => resolve()));
    let missing = await Promise.race([this.#delivery.missing(), stop]);
    while (missing && !this.#stopping()) {
      this.#log("WARNING", `waiting for ${missing}`);
      await this.#sleep(RETRY);
      missing = await Promise.race([this.#delivery.missing(), stop]);
    }
  }

  /** The page that is due first; undefined when all have had their MAX_POLLS. */
  #next() {
    const pages = this.#pages.filter((page) => page.polls < (this.#settings.maxPolls ?? Infinity));
    return pages.reduce((first, page) => (first && first.due <= page.due ? first : page), undefined);
  }

  async #poll(page) {
    await this.#wait(page.due);
    if (this.#stopping()) {
      return;
    }
    const [sent, started] = [new Date(), now()];
    const answer = await this.#feed.get(page.number, page.condition(), this.#stopped.signal);
    const duration = now() - started;
    if (this.#stopping() && answer.trouble) {
      return;
    }
    page.polls += 1;
    const counts = answer.events ? this.#send(page, answer) : NOTHING;
    this.#schedule(page, answer, started);
    this.#report(page, answer, counts, sent, page.due - started, duration);
    if (answer.fatal()) {
      throw new RefusedError(answer.refusal());
    }
    // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
    await this.#settle(this.#warnAt ? 0 : 1);
  }

  /** Wait for a time of the monotonic clock, and longer while too much is unacknowledged. */
  async #wait(due) {
    let pending = await this.#settle(0);
    while (!this.#stopping() && (pending >= FULL_QUEUE || (pending > 0 && now() < due))) {
      pending = await this.#settle(0.2);
    }
    await this.#sleep(due - now());
  }

  /** Sleep, unless and until stopped. */
  async #sleep(seconds) {
    await sleep(Math.max(seconds, 0) * 1000, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  /** Send what is new on a page. */
  #send(page, answer) {
    const found = messages(answer.events);
    const fresh = found.filter(({ identity }) => this.#seen.add(identity));
    for (const { key, value, reason } of fresh) {
      this.#delivery.send(this.#settings.topic + (reason ? "_dlq" : ""), key, value, reason);
    }
    this.#sent += fresh.length;
    page.unacknowledgedEtag = answer.headers.get("etag") ?? undefined;
    return page.compare(found, fresh.length, answer.yesterday());
  }

  /** Set when this page is due; after a limit, when all are. */
  #schedule(page, answer, started) {
    const limited = answer.error === "limit" || answer.error === "secondary";
    if (limited) {
      this.#pause(answer);
    } else if (answer.error === "unprocessable") {
      page.due = started + HOUR;
    } else if (answer.error) {
      page.due = started + page.retryIn(this.#base());
    } else {
      this.#wish = answer.number("x-poll-interval") || this.#wish;
      const budget = Math.min(page.stretch * answer.budget(), answer.resetIn() + 1);
      page.succeed(Math.max(this.#base(), budget), started);
      page.unchanged = answer.events ? 0 : page.unchanged + 1;
      this.#strikes = 0;
    }
    if (limited || !answer.error) {
      this.#healthyUntil = Date.now() / 1000 + page.due - now() + HEALTHY;
    }
  }

  #base() {
    return this.#settings.pollInterval ?? this.#wish;
  }

  /** Make all pages wait: a limit is the token's, not a page's. */
  #pause(answer) {
    const end = now() + answer.wait(this.#strikes);
    this.#strikes += answer.vague() ? 1 : 0;
    for (const page of this.#pages) {
      page.due = Math.max(page.due, end);
    }
  }

  /** Wait for acknowledgements, seconds at most; return how many are missing. With none missing, all counts as done. */
  async #settle(timeout) {
    const pending = await this.#delivery.flush(timeout);
    if (pending > 0) {
      this.#complain(pending);
      return pending;
    }
    this.#warnAt = undefined;
    for (const page of this.#pages) {
      page.etag = page.unacknowledgedEtag;
    }
    this.#beat();
    return 0;
  }

  #complain(pending) {
    if (this.#warnAt === undefined) {
      this.#warnAt = now() + 1;
    } else if (now() >= this.#warnAt) {
      this.#warnAt = now() + 60;
      this.#log("WARNING", `${pending} messages wait for Kafka at ${this.#settings.bootstrapServers}`);
    }
  }

  /** Write until when this poller counts as healthy, if that has changed. */
  #beat() {
    const path = this.#settings.heartbeatFile;
    if (path && this.#healthyUntil > this.#beaten) {
      // Replaced as a whole: the health check never reads half a number.
      writeFileSync(`${path}.new`, `${Math.round(this.#healthyUntil)}\n`);
      renameSync(`${path}.new`, path);
      this.#beaten = this.#healthyUntil;
    }
  }

  /** Send the statistics of one request and log it. */
  #report(page, answer, counts, sent, interval, duration) {
    const remaining = answer.number("x-ratelimit-remaining");
    const row = {
      timestamp: sent.toISOString(),
      poller: "nodejs",
      poll: page.polls,
      page: page.number,
      status: answer.status,
      error: answer.error,
      fetched: counts.fetched,
      fresh: counts.fresh,
      duplicate: counts.fetched - counts.fresh,
      overlap: counts.overlap,
      saturated: counts.saturated,
      remaining: remaining === undefined ? undefined : Math.floor(remaining),
      interval: Math.round(interval * 1000) / 1000,
      duration_ms: Math.round(duration * 1000),
    };
    this.#delivery.send(this.#settings.pollsTopic, row.poller, JSON.stringify(row));
    this.#log(row.error ? "WARNING" : "INFO", line(row));
  }
}

/** The statistics of one request as a line of the log. */
function line(row) {
  const { page, poll, status, error, fetched, fresh, duplicate, overlap, remaining, interval } = row;
  const counts = `${fetched} fetched, ${fresh} fresh, ${duplicate} duplicate, ${overlap} overlap`;
  const moved = error === "redirect" ? " (GITHUB_API_URL)" : "";
  const found = error ? `${status} ${error}${moved}` : `${status}, ${counts}`;
  const left = remaining === undefined ? "" : `, ${remaining} requests left`;
  const saturated = row.saturated ? ", saturated" : "";
  return `page ${page} poll ${poll}: ${found}, next in ${interval.toFixed(1)} s${left}${saturated}`;
}

/** Seconds of the monotonic clock. */
function now() {
  return performance.now() / 1000;
}
