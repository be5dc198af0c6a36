// From events to the bytes of messages (CONTRACT.md, section 6).

import { createHash } from "node:crypto";

// Where each key of a message comes from, in the order of the keys.
const PATHS = {
  id: ["id"],
  type: ["type"],
  action: ["payload", "action"],
  repo: ["repo", "name"],
  actor: ["actor", "login"],
  org: ["org", "login"],
  created_at: ["created_at"],
};
const REQUIRED = ["id", "created_at"];
const SEEN = 200_000;
// Below Kafka's limit of 1 MiB a message.
const LONGEST_DEAD_LETTER = 900_000;

/** Why an event can't be a message. */
class UnusableError extends Error {}

/**
 * One message { key, value, identity, createdAt, reason } for each element of a page, in page order.
 * A reason makes it a dead letter; the identity tells whether it was sent before.
 */
export function messages(events) {
  return events.map(message);
}

/** The identities of the last messages: at least 200,000 of them, at most 400,000. */
export class Seen {
  #young = new Set();
  #old = new Set();

  /** Remember this identity; return whether it is new. */
  add(identity) {
    if (this.#young.has(identity)) {
      return false;
    }
    const isKnown = this.#old.has(identity);
    if (this.#young.size >= SEEN) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(identity);
    return !isKnown;
  }
}

function message(event) {
  try {
    const fields = Object.fromEntries(Object.keys(PATHS).map((key) => [key, text(event, key)]));
    const { id, repo, created_at } = fields;
    // Copied into one piece: V8 would keep both halves and the whole, and Seen holds 400,000 of them.
    const identity = Buffer.from(`${id} ${created_at}`).toString();
    return { key: repo, value: JSON.stringify(fields), identity, createdAt: created_at };
  } catch (error) {
    if (error instanceof UnusableError) {
      return deadLetter(event, error.message);
    }
    throw error;
  }
}

function deadLetter(event, reason) {
  const value = Buffer.from(JSON.stringify(event)).subarray(0, LONGEST_DEAD_LETTER).toString();
  const identity = createHash("sha256").update(value).digest("hex");
  return { key: undefined, value, identity, createdAt: "", reason };
}

function text(event, key) {
  if (!isObject(event)) {
    throw new UnusableError("event is not an object");
  }
  let holder = event;
  for (const parent of PATHS[key].slice(0, -1)) {
    holder = checked(holder[parent], isObject, `${parent} is not an object`) ?? {};
  }
  const found = checked(holder[PATHS[key].at(-1)], isString, `${key} is not a string`);
  if (found === undefined && REQUIRED.includes(key)) {
    throw new UnusableError(`${key} is missing`);
  }
  // JSON.parse joins pairs of surrogates; a lone one has no UTF-8.
  return found?.toWellFormed();
}

/** A value of this kind; undefined when it is absent. */
function checked(value, isKind, reason) {
  if (value === undefined || value === null || value === "") {
    return undefined;
  }
  if (!isKind(value)) {
    throw new UnusableError(reason);
  }
  return value;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isString(value) {
  return typeof value === "string";
}
