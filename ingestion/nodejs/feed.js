// Requests to GitHub's public events (CONTRACT.md, section 3).

import { Answer, ErrorKind } from "./answer.js";

export const PAGES = [1, 2, 3];
export const PAGE_SIZE = 100;
const TIMEOUT = 15;

/** The pages of one GitHub API. */
export class Feed {
  #settings;
  #headers;

  constructor(settings) {
    this.#settings = settings;
    this.#headers = {
      accept: "application/vnd.github+json",
      "user-agent": "github-events-poller (nodejs)",
      "x-github-api-version": "2022-11-28",
      ...(settings.token && { authorization: `Bearer ${settings.token}` }),
    };
  }

  /** Ask for one page; errors of the network come back as answers, and so does the end of this request by the signal. */
  async get(number, etag, signal) {
    const request = new AbortController();
    const giveUp = () => request.abort();
    const timer = setTimeout(giveUp, TIMEOUT * 1000);
    signal.addEventListener("abort", giveUp);
    try {
      const response = await fetch(`${this.#settings.apiUrl}/events?per_page=${PAGE_SIZE}&page=${number}`, {
        headers: { ...this.#headers, ...(etag && { "if-none-match": etag }) },
        redirect: "manual",
        signal: request.signal,
      });
      return new Answer(response.status, response.headers, await text(response, timer));
    } catch (error) {
      return new Answer(0, undefined, undefined, kind(request, error));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }
}

/** The whole body, as long as there are never more than 15 s without a byte. */
async function text(response, timer) {
  timer.refresh();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let body = "";
  for await (const chunk of response.body ?? []) {
    timer.refresh();
    body += decoder.decode(chunk, { stream: true });
  }
  return body + decoder.decode();
}

function kind(request, error) {
  const late = request.signal.aborted || error.cause?.code === "UND_ERR_CONNECT_TIMEOUT";
  return late ? ErrorKind.TIMEOUT : ErrorKind.NETWORK;
}
