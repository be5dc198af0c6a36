// The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9).

import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PAGES } from "./feed.js";
import { messages, Seen } from "./messages.js";
import { Pace } from "./pace.js";
import { logLine, NO_COUNTS, now, Page } from "./page.js";

const KAFKA_RETRY = 5;
const HEALTHY = 60;
const FULL_QUEUE = 50_000;

/** GitHub's answer makes further requests useless. */
export class RefusedError extends Error {}

/** Asks the pages by their plan until it is stopped. */
export class Poller {
  #settings;
  #feed;
  #delivery;
  #log;
  #pages = PAGES.map((number) => new Page(number));
  #pace;
  #seen = new Seen();
  #stopped = new AbortController();
  #consecutiveLimits = 0;
  #sent = 0;
  #healthyUntil = 0;
  #lastHeartbeat = 0;
  #heartbeatFailed = false;
  #warnAt = undefined;

  /** All pages are due now. log takes a level and a text. */
  constructor(settings, feed, delivery, log) {
    this.#settings = settings;
    this.#pace = new Pace(settings);
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
      for (let page = this.#nextPage(); page && !this.#stopping(); page = this.#nextPage()) {
        await this.#poll(page);
      }
      while (!this.#stopping() && (await this.#awaitAcknowledgements(1)) > 0);
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
  #nextPage() {
    const pages = this.#pages.filter((page) => page.polls < (this.#settings.maxPolls ?? Infinity));
    return pages.reduce((first, page) => (first && first.due <= page.due ? first : page), undefined);
  }

  async #poll(page) {
    await this.#wait(page.due);
    if (this.#stopping()) {
      return;
    }
    page.startRequest();
    const answer = await this.#feed.get(page.number, page.etagToSend(), this.#stopped.signal);
    if (this.#stopping() && answer.failure) {
      return;
    }
    page.endRequest();
    const counts = answer.events ? this.#send(page, answer) : NO_COUNTS;
    this.#schedule(page, answer, counts);
    this.#report(page, answer, counts);
    if (answer.isFatal()) {
      throw new RefusedError(answer.errorMessage(this.#settings.tokenSetting));
    }
    // Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
    await this.#awaitAcknowledgements(this.#warnAt ? 0 : 1);
  }

  /** Wait for a time of the monotonic clock, and longer while too much is unacknowledged. */
  async #wait(due) {
    let pending = await this.#awaitAcknowledgements(0);
    while (!this.#stopping() && (pending >= FULL_QUEUE || (pending > 0 && now() < due))) {
      pending = await this.#awaitAcknowledgements(0.2);
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
    return page.compare(found, fresh, answer.dayBefore());
  }

  /** Set when this page is due; after a limit, when all are. */
  #schedule(page, answer, counts) {
    if (answer.isLimit()) {
      this.#pause(answer);
    } else if (answer.error) {
      page.schedule(answer, this.#pace.baseInterval());
    } else {
      this.#consecutiveLimits = 0;
      this.#pace.learn(page.number, answer, counts.known);
      page.schedule(answer, this.#pace.interval(page.number, answer));
      this.#pace.schedule(this.#pages, page);
    }
    if (answer.isLimit() || !answer.error) {
      this.#healthyUntil = Date.now() / 1000 + page.due - now() + HEALTHY;
    }
  }

  /** Make all pages wait: a limit is the token's, not a page's. */
  #pause(answer) {
    const end = now() + answer.wait(this.#consecutiveLimits);
    this.#consecutiveLimits += answer.lacksWait() ? 1 : 0;
    for (const page of this.#pages) {
      page.due = Math.max(page.due, end);
    }
  }

  /** Wait for acknowledgements, seconds at most; return how many are missing. With none missing, all counts as done. */
  async #awaitAcknowledgements(timeout) {
    const pending = await this.#delivery.flush(timeout);
    if (pending > 0) {
      this.#warnPending(pending);
      return pending;
    }
    this.#warnAt = undefined;
    for (const page of this.#pages) {
      page.etag = page.unacknowledgedEtag;
    }
    this.#writeHeartbeat();
    return 0;
  }

  #warnPending(pending) {
    if (this.#warnAt === undefined) {
      this.#warnAt = now() + 1;
    } else if (now() >= this.#warnAt) {
      this.#warnAt = now() + 60;
      this.#log("WARNING", `${pending} messages wait for Kafka at ${this.#settings.bootstrapServers}`);
    }
  }

  /** Write until when this poller counts as healthy, if that has changed. */
  #writeHeartbeat() {
    const path = this.#settings.heartbeatFile;
    if (!path || this.#healthyUntil <= this.#lastHeartbeat) {
      return;
    }
    this.#lastHeartbeat = this.#healthyUntil;
    try {
      // Replaced as a whole: the health check never reads half a number.
      writeFileSync(`${path}.new`, `${Math.round(this.#healthyUntil)}\n`);
      renameSync(`${path}.new`, path);
      this.#heartbeatFailed = false;
    } catch (error) {
      if (!this.#heartbeatFailed) {
        this.#log("WARNING", `HEARTBEAT_FILE ${path}: ${error.message}`);
      }
      this.#heartbeatFailed = true;
    }
  }

  /** Send the statistics of one request and log it. */
  #report(page, answer, counts) {
    const row = page.row(answer, counts, this.#pace.baseInterval());
    this.#delivery.send(this.#settings.pollsTopic, row.poller, JSON.stringify(row));
    this.#log(row.error ? "WARNING" : "INFO", logLine(row));
  }

  /** Sleep, unless and until stopped. */
  async #sleep(seconds) {
    await sleep(Math.max(seconds, 0) * 1000, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}
