// When to try again: a call that failed, and a connection that was lost.

import { codes, WeftError } from "./errors.mjs";

const FIRST_PAUSE_MS = 10;

// How long to wait before the next attempt at a call; undefined when there must be none.
export function pauseBefore(error, attempts, retries, mayRepeat) {
  if (attempts > retries || !(error instanceof WeftError)) return undefined;
  if (error.code !== codes.unavailable && error.code !== codes.resourceExhausted) return undefined;
  // A limit that the call hits is not one that the next attempt would not.
  const again = error.executed === "no" ? error.code === codes.unavailable || error.retryAfterMs !== undefined
    : mayRepeat && error.code === codes.unavailable && error.executed === "unknown";
  if (!again) return undefined;
  return (error.retryAfterMs ?? 0) + jitter(FIRST_PAUSE_MS * 2 ** (attempts - 1));
}

// Keeps a thousand clients from coming back in the same instant.
const jitter = (ms) => ms * (0.5 + Math.random() / 2);

// Growing pauses between attempts to connect.
export class Backoff {
  #options;
  #next;

  constructor({ firstMs = 100, longestMs = 10_000, lastedMs = 5_000 } = {}) {
    this.#options = { firstMs, longestMs, lastedMs };
    this.#next = firstMs;
  }

  get fresh() {
    return this.#next === this.#options.firstMs;
  }

  pause() {
    const pause = jitter(this.#next);
    this.#next = Math.min(2 * this.#next, this.#options.longestMs);
    return pause;
  }

  // A connection has ended that lasted so long: one that did not says nothing good of the node.
  ended(afterMs) {
    if (afterMs >= this.#options.lastedMs) this.#next = this.#options.firstMs;
  }
}
