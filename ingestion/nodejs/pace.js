// When to ask: the plan of POLL_INTERVAL, within what is left of GitHub's limit (CONTRACT.md, section 4).

import { HOUR } from "./answer.js";
import { PAGES } from "./feed.js";
import { Plan } from "./settings.js";

const DEFAULT_HINT = 60;
// In turn, each page is asked twice as often as GitHub asks for.
const HINTS_A_TURN = 0.5;
const RESERVE = 5;
const MIN_WEIGHT = 1 / 8;
const WEIGHT_GAIN = 0.3;
const KNOWN_TARGET = 0.05;

/** The intervals between two requests of a page. Times in seconds. */
export class Pace {
  #plan;
  #fixedInterval;
  #hint = DEFAULT_HINT;
  #weights = [1, 1];

  constructor({ plan, pollInterval }) {
    this.#plan = plan;
    this.#fixedInterval = pollInterval;
  }

  /** Take from a good answer what changes the pace; known: the share of its recent events sent before. */
  learn(page, answer, known) {
    this.#hint = Math.min(answer.number("x-poll-interval") || this.#hint, HOUR);
    if (known !== undefined) {
      const weight = this.#weights[group(page)] * (1 + WEIGHT_GAIN * (KNOWN_TARGET - known));
      this.#weights[group(page)] = Math.min(Math.max(weight, MIN_WEIGHT), 1);
    }
  }

  /** The interval that the plan asks for, whatever the limit. */
  baseInterval() {
    return this.#plan === Plan.IN_TURN ? this.#hint * HINTS_A_TURN : (this.#fixedInterval ?? this.#hint);
  }

  /** The interval that the plan and the limit allow. */
  interval(page, answer) {
    return Math.max(this.baseInterval(), this.#budget(page, answer));
  }

  /** If pages take turns, make them due one after the other, the one that has just answered last. */
  schedule(pages, page) {
    if (this.#plan !== Plan.IN_TURN) {
      return;
    }
    const others = pages.filter((other) => other.takesTurns && other !== page).sort((a, b) => a.due - b.due);
    for (const [index, other] of [...others, page].entries()) {
      other.due = page.started + ((index + 1) * page.interval) / PAGES.length;
    }
  }

  /** The interval with which the rest of the limit lasts for all pages. */
  #budget(page, answer) {
    const longest = answer.resetIn() + 1;
    if (this.#plan === Plan.IN_TURN) {
      return PAGES.length * Math.min(answer.secondsPerRequest(RESERVE), longest);
    }
    const weights = PAGES.reduce((sum, number) => sum + this.#weights[group(number)], 0);
    return Math.min((weights / this.#weights[group(page)]) * answer.secondsPerRequest(), longest);
  }
}

/** Which weight is a page's: pages 2 and 3 share one, as they are two parts of one list. */
function group(page) {
  return Math.min(page, 2) - 1;
}
