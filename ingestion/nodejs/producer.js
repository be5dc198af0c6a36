// Delivery to Kafka (CONTRACT.md, section 7).

import { setTimeout as sleep } from "node:timers/promises";
import { Admin, compatibilityPartitioner, Producer } from "@platformatic/kafka";

const PAUSE = 1000;
// A topic that has just been created, or a broker that has just started, is unknown for a moment.
const UNKNOWN_FOR_GOOD = 10;
// Below Kafka's limit of 1 MiB a batch.
const BATCH = 900_000;
const OVERHEAD = 100;

/** Kafka refused a message for good. */
export class DeliveryError extends Error {}

/** An idempotent producer that never gives a message up by itself. */
export class Delivery {
  #options;
  #topics;
  #producer;
  #queue = [];
  #work;
  #unknown = 0;
  #refused;

  /** Nothing is sent yet. */
  constructor(settings) {
    const { bootstrapServers, topic, pollsTopic } = settings;
    this.#topics = [topic, `${topic}_dlq`, pollsTopic];
    this.#options = { clientId: "github-events", bootstrapBrokers: bootstrapServers.split(","), ...login(settings) };
    this.#producer = new Producer({
      ...this.#options,
      idempotent: true, // and acks=all
      partitioner: compatibilityPartitioner, // the Java client's
      retries: 2, // #deliver goes on when these are used up
      retryDelay: 100,
    });
  }

  /** What must still come up before messages can be sent. */
  async missing() {
    const servers = this.#options.bootstrapBrokers.join(",");
    const admin = new Admin({ ...this.#options, retries: 0 });
    try {
      const found = await admin.listTopics();
      const absent = this.#topics.filter((topic) => !found.includes(topic)).sort();
      return absent.length > 0 ? `topics ${absent.join(", ")} at ${servers}` : undefined;
    } catch {
      return `Kafka at ${servers} (KAFKA_BOOTSTRAP_SERVERS)`;
    } finally {
      await admin.close();
    }
  }

  /** Send in the background. */
  send(topic, key, value, reason) {
    this.#queue.push({
      topic,
      key: key && Buffer.from(key),
      value: Buffer.from(value),
      headers: reason && new Map([[Buffer.from("reason"), Buffer.from(reason)]]),
    });
    this.#work ??= this.#deliver().finally(() => {
      this.#work = undefined;
    });
  }

  /** Wait for acknowledgements, seconds at most; return how many are missing. Throws DeliveryError. */
  async flush(timeout) {
    if (timeout > 0 && this.#queue.length > 0) {
      const limit = new AbortController();
      const end = sleep(timeout * 1000, undefined, { signal: limit.signal });
      await Promise.race([this.#work ?? end, end]);
      limit.abort();
    }
    if (this.#refused) {
      throw new DeliveryError(this.#refused);
    }
    return this.#queue.length;
  }

  /** One batch after the other: the client numbers what it sends only when the last batch has been acknowledged. */
  async #deliver() {
    while (this.#queue.length > 0 && !this.#refused) {
      let batch = this.#queue.slice(0, fitting(this.#queue));
      // Kafka knows a batch that it got twice by its number and length, so nothing is added to one that is sent again.
      while (batch.length > 0 && !this.#refused) {
        const left = await this.#attempt(batch);
        this.#queue.splice(0, batch.length, ...left);
        batch = left;
      }
    }
  }

  /**
   * Send a batch; return what was not acknowledged, after a pause. This uses what @platformatic/kafka 1.35.0 does not
   * document: its connections, the offsets in its errors, its metadata. Look here when its version in package.json changes.
   */
  async #attempt(messages) {
    try {
      await this.#producer.send({ messages });
      this.#unknown = 0;
      return [];
    } catch (error) {
      this.#judge(error, messages);
      // Connections may have been left with half an answer.
      await Promise.all([...this.#producer.connections].map(([, connection]) => connection.close()));
      await sleep(this.#refused ? 0 : PAUSE);
      const done = new Set(error.produced?.offsets?.map(({ topic, partition }) => `${topic} ${partition}`));
      return messages.filter((message) => !done.has(`${message.topic} ${this.#partition(message)}`));
    }
  }

  /** Tell an answer that is final from one that waiting may change. */
  #judge(error, messages) {
    const cause = error.findBy?.("canRetry", false);
    const unknown = error.findBy?.("apiCode", 3) || /^Unknown topic/.test(cause?.message ?? "");
    this.#unknown = unknown ? this.#unknown + 1 : 0;
    if (this.#unknown >= UNKNOWN_FOR_GOOD || cause?.apiId) {
      const topics = new Set(messages.map(({ topic }) => topic));
      this.#refused = `${[...topics].join(", ")}: ${cause?.message ?? error.message}`;
    }
  }

  #partition({ topic, key }) {
    const count = this.#producer.currentMetadata?.topics.get(topic)?.partitionsCount ?? 1;
    return compatibilityPartitioner(undefined, key) % count;
  }
}

/** What reaches a Kafka that encrypts or asks for a login. */
function login({ securityProtocol, ca, saslMechanism: mechanism, saslUsername: username, saslPassword: password }) {
  return {
    // A name is sent along only if it is one: an address can't be.
    ...(securityProtocol.endsWith("SSL") && { tls: ca ? { ca } : {}, tlsServerName: true }),
    ...(securityProtocol.startsWith("SASL_") && { sasl: { mechanism, username, password } }),
  };
}

/** How many of the first messages fit into one batch, at least one. */
function fitting(queue) {
  let bytes = 0;
  const end = queue.findIndex(({ key, value }) => {
    bytes += value.length + (key?.length ?? 0) + OVERHEAD;
    return bytes > BATCH;
  });
  return end === -1 ? queue.length : Math.max(end, 1);
}
