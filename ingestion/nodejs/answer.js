// An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5).

export const HOUR = 3600;
const DAY = 24 * HOUR;
const SECONDARY_WAIT = 60;
const LONGEST_MESSAGE = 200;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** What went wrong with a request (CONTRACT.md, section 5); the value is the word in statistics and log. */
export const ErrorKind = Object.freeze({
  NETWORK: "network",
  TIMEOUT: "timeout",
  BODY: "body",
  SERVER: "server",
  REDIRECT: "redirect",
  UNPROCESSABLE: "unprocessable",
  SECONDARY: "secondary",
  LIMIT: "limit",
  FORBIDDEN: "forbidden",
  UNAUTHORIZED: "unauthorized",
  REFUSED: "refused",
});

const LIMITS = [ErrorKind.SECONDARY, ErrorKind.LIMIT];
const FATAL = [ErrorKind.FORBIDDEN, ErrorKind.UNAUTHORIZED, ErrorKind.REFUSED];
const BY_STATUS = { 401: ErrorKind.UNAUTHORIZED, 422: ErrorKind.UNPROCESSABLE };
const BY_CLASS = { 2: ErrorKind.BODY, 3: ErrorKind.REDIRECT, 4: ErrorKind.REFUSED, 5: ErrorKind.SERVER };

/** One answer; status 0 and a failure when no whole one came. Times in seconds. */
export class Answer {
  constructor(status, headers = new Headers(), body = "", failure = undefined) {
    Object.assign(this, { status, headers, body, failure });
    const page = status === 200 && parse(body);
    this.events = Array.isArray(page) ? page : undefined;
    this.error = this.#error();
  }

  /** What went wrong; undefined after 304 and a good page. */
  #error() {
    if (this.failure || this.status === 304 || this.events) {
      return this.failure;
    }
    if (this.status === 403 || this.status === 429) {
      return this.#refusal();
    }
    return BY_STATUS[this.status] ?? BY_CLASS[Math.floor(this.status / 100)] ?? ErrorKind.REFUSED;
  }

  /** Whether all pages must wait. */
  isLimit() {
    return LIMITS.includes(this.error);
  }

  /** Whether asking again is of no use. */
  isFatal() {
    return FATAL.includes(this.error);
  }

  /** A refusal in GitHub's own words, and the setting to look at. */
  errorMessage(tokenSetting) {
    const message = [...String(parse(this.body)?.message ?? "")].slice(0, LONGEST_MESSAGE).join("");
    return `${this.status} ${message}${this.status === 401 ? ` (${tokenSetting})` : ""}`.trim();
  }

  /** The decimal number in a header; undefined when it holds no such thing. */
  number(header) {
    const text = (this.headers.get(header) ?? "").trim();
    return /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  /**
   * The seconds between two requests with which the limit lasts until its reset; 0 without a limit.
   * reserve: so many requests are left unused.
   */
  secondsPerRequest(reserve = 0) {
    const remaining = this.number("x-ratelimit-remaining");
    return remaining === undefined ? 0 : this.resetIn() / Math.max(remaining - reserve, 1);
  }

  /** The seconds until the limit is new, by the server's own clock. */
  resetIn() {
    return withinAnHour((this.number("x-ratelimit-reset") ?? 0) - this.#date());
  }

  /** The seconds all pages must wait after a limit; consecutiveLimits: how many before it did not say how long. */
  wait(consecutiveLimits) {
    const retryAfter = this.#retryAfter();
    if (retryAfter) {
      return withinAnHour(retryAfter);
    }
    return this.lacksWait() ? withinAnHour(SECONDARY_WAIT * 2 ** consecutiveLimits) : this.resetIn() + 1;
  }

  /** Whether this is a limit that doesn't say how long. */
  lacksWait() {
    return !this.#retryAfter() && (this.error === ErrorKind.SECONDARY || this.resetIn() === 0);
  }

  /** The time a day before the answer, as GitHub writes times. */
  dayBefore() {
    return new Date((this.#date() - DAY) * 1000).toISOString().replace(/\.\d+/, "");
  }

  /** What a 403 or 429 means. */
  #refusal() {
    if (this.#retryAfter()) {
      return ErrorKind.SECONDARY;
    }
    if (this.number("x-ratelimit-remaining") === 0) {
      return ErrorKind.LIMIT;
    }
    const hasLimit = [...this.headers.keys()].some((name) => name.startsWith("x-ratelimit-"));
    const isLimit = hasLimit || /rate limit/i.test(this.body) || this.status === 429;
    return isLimit ? ErrorKind.SECONDARY : ErrorKind.FORBIDDEN;
  }

  /** The seconds that Retry-After says; undefined without one, or when it is not later than the answer. */
  #retryAfter() {
    const date = unixTime(this.headers.get("retry-after"));
    const seconds = this.number("retry-after") ?? (date === undefined ? 0 : date - this.#date());
    return seconds > 0 ? seconds : undefined;
  }

  #date() {
    return unixTime(this.headers.get("date")) ?? Date.now() / 1000;
  }
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function withinAnHour(seconds) {
  return Math.min(Math.max(seconds, 0), HOUR);
}

/** The Unix time of an HTTP date; undefined when it isn't one. */
function unixTime(date) {
  const time = HTTP_DATE.test(date ?? "") ? Date.parse(date) / 1000 : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
