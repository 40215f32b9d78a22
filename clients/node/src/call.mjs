// A call under way: from when it is made, perhaps before there is room for it, until it is settled, once.

import { LONGEST_TIMER_MS } from "./clock.mjs";
import { late } from "./errors.mjs";

export class Call {
  id = undefined; // once it is sent
  stream = undefined;
  over = false;
  #connection;
  #resolve;
  #reject;
  #timer = undefined;
  #abort = undefined;
  #leave = undefined;

  // `members`: { timeoutMs, signal, context } bound it; `context` is the call being served from within which it is made,
  // `givenMs` what its caller has allowed, of which timeoutMs is left.
  constructor(connection, clock, method, params, members, resolve, reject) {
    const { timeoutMs, signal, context } = members;
    this.#connection = connection;
    this.clock = clock;
    this.method = method;
    this.params = params;
    this.members = members;
    this.until = clock.now() + timeoutMs;
    this.#resolve = resolve;
    this.#reject = reject;
    if (timeoutMs < LONGEST_TIMER_MS) this.#timer = clock.setTimeout(() => this.#expire(), timeoutMs);
    if (context) this.#leave = context.onAbort((reason) => this.giveUp(reason));
    if (!signal) return;
    this.#abort = () => this.giveUp(signal.reason);
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  get deadlineMs() {
    return this.members.timeoutMs === Infinity ? undefined : this.until - this.clock.now();
  }

  settle({ result, error }) {
    if (this.over) return;
    this.over = true;
    if (this.#timer !== undefined) this.clock.clearTimeout(this.#timer);
    if (this.#abort) this.members.signal.removeEventListener("abort", this.#abort);
    if (this.#leave) this.#leave();
    this.#connection.forget(this.id);
    if (error === undefined) this.#resolve(result);
    else this.#reject(error);
  }

  // Whoever made it does not want it any more.
  giveUp(error) {
    if (this.over) return;
    if (this.id !== undefined) this.#connection.cancel(this.id);
    this.settle({ error });
  }

  #expire() {
    const { givenMs, timeoutMs } = this.members;
    this.giveUp(late(this.method, givenMs ?? timeoutMs, this.id === undefined ? "no" : "unknown"));
  }
}
