// Reads GitHub's public events and writes them to Kafka, as ../CONTRACT.md says.

import { Feed } from "./feed.js";
import { Poller, RefusedError } from "./poller.js";
import { Delivery, DeliveryError } from "./producer.js";
import { read, SettingsError, usage } from "./settings.js";

const GRACE = 8;

/** Run one poller; return its exit code (CONTRACT.md, section 10). */
async function main(args) {
  if (args.length === 1 && ["--help", "-h"].includes(args[0])) {
    console.log(usage(process.env));
    return 0;
  }
  try {
    return await poll(read(process.env, args));
  } catch (error) {
    if (!(error instanceof SettingsError)) {
      throw error;
    }
    for (const line of error.message.split("\n")) {
      log("ERROR", line);
    }
    return 2;
  }
}

function log(level, text) {
  console.error(`${new Date().toISOString().replace(/\.\d+/, "")} ${level} ${text}`);
}

async function poll(settings) {
  const delivery = new Delivery(settings);
  const poller = new Poller(settings, new Feed(settings), delivery, log);
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => poller.stop());
  }
  const { apiUrl, token, topic, bootstrapServers } = settings;
  log("INFO", `polling ${apiUrl} ${token ? "with" : "without"} a token into ${topic} at ${bootstrapServers}`);
  try {
    await poller.run();
  } catch (error) {
    if (error instanceof RefusedError) {
      log("ERROR", `GitHub refuses: ${error.message}`);
      return finish(delivery, 3);
    }
    if (!(error instanceof DeliveryError)) {
      throw error;
    }
    // finish meets it again and reports it
  }
  return finish(delivery, 0);
}

/** Wait for what Kafka has not acknowledged; return the exit code. */
async function finish(delivery, code) {
  try {
    const pending = await delivery.flush(GRACE);
    if (pending > 0) {
      log("ERROR", `${pending} messages were not acknowledged by Kafka`);
    }
    return pending > 0 ? 1 : code;
  } catch (error) {
    log("ERROR", `Kafka refuses: ${error.message}`);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
