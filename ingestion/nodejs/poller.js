// The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9).

import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PAGES } from "./feed.js";
import { messages, Seen } from "./messages.js";
import { line, NOTHING, now, Page } from "./page.js";

const POLITE = 60;
const LONGEST_WISH = 3600;
const KAFKA_RETRY = 5;
const HEALTHY = 60;
const FULL_QUEUE = 50_000;
const LIMITS = ["limit", "secondary"];

/** GitHub's answer makes further requests useless. */
export class RefusedError extends Error {}

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
  #mute = false;
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
    try {
      await this.#awaitTopics();
      for (let page = this.#next(); page && !this.#stopping(); page = this.#next()) {
        await this.#poll(page);
      }
      while (!this.#stopping() && (await this.#settle(1)) > 0);
    } finally {
      const requests = this.#pages.reduce((sum, page) => sum + page.polls, 0);
      this.#log("INFO", `stopped after ${requests} requests, ${this.#sent} messages sent`);
    }
  }

  #stopping() {
    return this.#stopped.signal.aborted;
  }

  async #awaitTopics() {
    const stop = new Promise((resolve) => this.#stopped.signal.addEventListener("abort", () => resolve()));
    let missing = await Promise.race([this.#delivery.missing(), stop]);
    while (missing && !this.#stopping()) {
      this.#log("WARNING", `waiting for ${missing}`);
      await this.#sleep(KAFKA_RETRY);
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
    page.begin();
    const answer = await this.#feed.get(page.number, page.condition(), this.#stopped.signal);
    if (this.#stopping() && answer.trouble) {
      return;
    }
    page.end();
    const counts = answer.events ? this.#send(page, answer) : NOTHING;
    this.#schedule(page, answer);
    this.#report(page, answer, counts);
    if (answer.fatal()) {
      throw new RefusedError(answer.refusal(this.#settings.tokenSetting));
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
  #schedule(page, answer) {
    const limited = LIMITS.includes(answer.error);
    if (!answer.error) {
      this.#wish = Math.min(answer.number("x-poll-interval") || this.#wish, LONGEST_WISH);
      this.#strikes = 0;
    }
    if (limited) {
      this.#pause(answer);
    } else {
      page.schedule(answer, this.#settings.pollInterval ?? this.#wish);
    }
    if (limited || !answer.error) {
      this.#healthyUntil = Date.now() / 1000 + page.due - now() + HEALTHY;
    }
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
    if (!path || this.#healthyUntil <= this.#beaten) {
      return;
    }
    this.#beaten = this.#healthyUntil;
    try {
      // Replaced as a whole: the health check never reads half a number.
      writeFileSync(`${path}.new`, `${Math.round(this.#healthyUntil)}\n`);
      renameSync(`${path}.new`, path);
      this.#mute = false;
    } catch (error) {
      if (!this.#mute) {
        this.#log("WARNING", `HEARTBEAT_FILE ${path}: ${error.message}`);
      }
      this.#mute = true;
    }
  }

  /** Send the statistics of one request and log it. */
  #report(page, answer, counts) {
    const row = page.row(answer, counts);
    this.#delivery.send(this.#settings.pollsTopic, row.poller, JSON.stringify(row));
    this.#log(row.error ? "WARNING" : "INFO", line(row));
  }

  /** Sleep, unless and until stopped. */
  async #sleep(seconds) {
    await sleep(Math.max(seconds, 0) * 1000, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}
