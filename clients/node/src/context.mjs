// The call that is being served, wherever its function has got to: who asked, until when, within which trace.

import { AsyncLocalStorage } from "node:async_hooks";
import { setMaxListeners } from "node:events";
import { realClock } from "./clock.mjs";

const storage = new AsyncLocalStorage();

export class CallContext {
  ended = false;
  reason = undefined;
  #clock;
  #until;
  #controller;
  #onAbort = new Set();

  constructor({ method, node, notification, after, message, clock }) {
    this.method = method;
    this.node = node;
    this.notification = notification;
    this.after = after;
    this.traceparent = message.traceparent;
    this.tracestate = message.tracestate;
    this.#clock = clock;
    this.#until = typeof message.deadline_ms === "number" ? clock.now() + message.deadline_ms : Infinity;
  }

  get clock() {
    return this.#clock;
  }

  get remainingMs() {
    return this.#until - this.#clock.now();
  }

  get aborted() {
    return this.reason !== undefined;
  }

  // Made when it is asked for: most methods never do.
  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController();
      setMaxListeners(0, this.#controller.signal);
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  // Nobody waits for the call any more.
  abort(reason) {
    if (this.aborted || this.ended) return;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const run of [...this.#onAbort]) run(reason);
  }

  // Gives a function that takes it back.
  onAbort(run) {
    this.#onAbort.add(run);
    return () => this.#onAbort.delete(run);
  }
}

// The context of the call that is being served here; undefined outside of one.
export const caller = () => storage.getStore();

export const within = (context, run) => storage.run(context, run);

// Runs what is no part of the call within which it begins, and may outlive it.
export const outside = (run) => storage.exit(run);

// The same for what is to end with it: once it has been taken back, what it does is its cleanup.
export function callUnderWay() {
  const context = caller();
  return context && !context.ended && !context.aborted ? context : undefined;
}

// Waits, until the call that is being served is taken back: then it rejects with why.
export function sleep(ms) {
  const clock = caller()?.clock ?? realClock;
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      forget?.();
      resolve();
    }, ms);
    const forget = callUnderWay()?.onAbort((reason) => {
      clock.clearTimeout(timer);
      reject(reason);
    });
  });
}
