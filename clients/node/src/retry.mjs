// When to try again: a call that failed, and a connection that was lost.

import { codes, WeftError } from "./errors.mjs";
import { isObject } from "./schema.mjs";

const FIRST_PAUSE_MS = 10;
// Services come back a moment after the node that they were at: a pause that doubles.
const COMING_BACK_MS = 500;

// The attempts at one call that have failed: whether there is another one, and what is said of all of them in the end.
export class Attempts {
  count = 0;
  mayHaveRun = false;
  #missing = 0;

  // One more has failed: how long to wait before the next one; undefined when there must be none.
  pauseAfter(error, { retries, mayRepeat, leftMs }) {
    ++this.count;
    if (!(error instanceof WeftError)) return undefined;
    this.mayHaveRun ||= error.executed === "unknown";
    if (this.count > retries) return undefined;
    if (error.code === codes.methodNotFound) {
      // It was there when the call was taken before.
      if (!this.mayHaveRun || !mayRepeat) return undefined;
      return Math.min(COMING_BACK_MS * 2 ** this.#missing++, leftMs / 2);
    }
    if (error.code !== codes.unavailable && error.code !== codes.resourceExhausted) return undefined;
    // A limit that the call hits is not one that the next attempt would not.
    const again = error.executed === "no" ? error.code === codes.unavailable || error.retryAfterMs !== undefined
      : mayRepeat && error.code === codes.unavailable && error.executed === "unknown";
    if (!again) return undefined;
    const pause = (error.retryAfterMs ?? 0) + jitter(FIRST_PAUSE_MS * 2 ** (this.count - 1));
    return pause < leftMs ? pause : undefined;
  }

  // The last error, as it is to be told: "no" only if no attempt can have run.
  told(error) {
    if (!this.mayHaveRun || !(error instanceof WeftError) || error.executed !== "no") return error;
    const data = isObject(error.data) ? error.data : {};
    return new WeftError(error.code, error.message, { ...data, executed: "unknown" }, { cause: error });
  }
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
