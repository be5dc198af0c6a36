// An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5).

const HOUR = 3600;
const DAY = 24 * HOUR;
const SECONDARY_WAIT = 60;
const FATAL = ["forbidden", "unauthorized", "refused"];
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** One answer; status 0 and an error when no whole one came. Times in seconds. */
export class Answer {
  constructor(status, headers = new Headers(), body = "", trouble = undefined) {
    Object.assign(this, { status, headers, body, trouble });
    const page = status === 200 && parsed(body);
    this.events = Array.isArray(page) ? page : undefined;
    this.error = this.#error();
  }

  /** The word for what went wrong; undefined after 304 and a good page. */
  #error() {
    if (this.trouble || this.status === 304) {
      return this.trouble;
    }
    if (this.events) {
      return undefined;
    }
    if (this.status === 403 || this.status === 429) {
      return this.#limit();
    }
    const known = { 401: "unauthorized", 422: "unprocessable" };
    const classes = { 2: "body", 3: "redirect", 5: "server" };
    return known[this.status] ?? classes[Math.floor(this.status / 100)] ?? "refused";
  }

  /** Whether asking again is of no use. */
  fatal() {
    return FATAL.includes(this.error);
  }

  /** A refusal in GitHub's own words, and the setting to look at. */
  refusal(tokenSetting) {
    const message = [...String(parsed(this.body)?.message ?? "")].slice(0, 200).join("");
    return `${this.status} ${message}${this.status === 401 ? ` (${tokenSetting})` : ""}`.trim();
  }

  /** The decimal number in a header; undefined when it holds no such thing. */
  number(header) {
    const text = (this.headers.get(header) ?? "").trim();
    return /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  /** The seconds between two requests with which the rest of the hour's requests lasts. */
  budget() {
    const remaining = this.number("x-ratelimit-remaining");
    return remaining === undefined ? 0 : this.resetIn() / Math.max(remaining, 1);
  }

  /** The seconds until the limit is new, by the server's own clock. */
  resetIn() {
    return within((this.number("x-ratelimit-reset") ?? 0) - this.#date());
  }

  /** The seconds all pages must wait after a limit; strikes: vague ones in a row before this. */
  wait(strikes) {
    const retryAfter = this.#retryAfter();
    if (retryAfter) {
      return within(retryAfter);
    }
    return this.vague() ? within(SECONDARY_WAIT * 2 ** strikes) : this.resetIn() + 1;
  }

  /** Whether this is a limit that doesn't say how long. */
  vague() {
    return !this.#retryAfter() && (this.error === "secondary" || this.resetIn() === 0);
  }

  /** The time a day before the answer, as GitHub writes times. */
  yesterday() {
    return new Date((this.#date() - DAY) * 1000).toISOString().replace(/\.\d+/, "");
  }

  #limit() {
    if (this.#retryAfter()) {
      return "secondary";
    }
    if (this.number("x-ratelimit-remaining") === 0) {
      return "limit";
    }
    const limited =
      [...this.headers.keys()].some((name) => name.startsWith("x-ratelimit-")) || /rate limit/i.test(this.body);
    return limited || this.status === 429 ? "secondary" : "forbidden";
  }

  /** The seconds to wait as GitHub says; undefined when it doesn't, or says nothing that can be meant. */
  #retryAfter() {
    const date = httpDate(this.headers.get("retry-after"));
    const seconds = this.number("retry-after") ?? (date === undefined ? 0 : date - this.#date());
    return seconds > 0 ? seconds : undefined;
  }

  #date() {
    return httpDate(this.headers.get("date")) ?? Date.now() / 1000;
  }
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function within(seconds) {
  return Math.min(Math.max(seconds, 0), HOUR);
}

/** The Unix time of an HTTP date; undefined when it isn't one. */
function httpDate(date) {
  const time = HTTP_DATE.test(date ?? "") ? Date.parse(date) / 1000 : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
