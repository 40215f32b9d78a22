// The caller's end of a stream: an async generator whose body runs elsewhere.

import { late, toWeftError, WeftError, codes } from "./errors.mjs";
import { Queue } from "./queue.mjs";
import { Attempts } from "./retry.mjs";
import { Item } from "./service.mjs";

const OVER = Object.freeze({ value: undefined, done: true });

const notStreaming = (method) =>
  new WeftError(codes.internalError, `'${method}' does not stream: it has answered with one result; call it`);

export class Stream {
  #open; // (after, reader) -> { connection, id }, once there is a connection
  #mayReopen; // (error, attempts) -> how long to pause, or undefined
  #options;
  #wire = undefined; // { connection, id } while it runs over one
  #state = "new"; // then "open", "answered" and "done"
  #answer = undefined; // { result } or { error }
  #items = new Queue();
  #waiting = new Queue();
  #outbox = new Queue(); // values for which there is no credit yet
  #closing = undefined; // resolves what return() waits for
  #credit = 0;
  #bytes = Infinity;
  #takesValues = false;
  #seq = 0; // of the next item
  #came = false; // an item, ever
  #sent = 0;
  #granted = 0; // items that may still come
  #taken = 0; // items that are not granted anew yet
  #attempts = new Attempts();
  #after;
  #asked = false; // for one more, since the last grant
  #half = false; // end() was called; "told" when the generator knows
  #release = () => {};

  // The cursor of the last item that was taken.
  cursor = undefined;

  constructor(open, mayReopen, options) {
    this.#open = open;
    this.#mayReopen = mayReopen;
    this.#options = options;
    this.#after = options.after;
    this.cursor = options.after;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  // The next item, or what the generator returned; before that it gets the value, as soon as it takes one.
  next(value) {
    if (this.#state === "new") this.#start();
    else if (value !== undefined && this.#state === "open") this.#outbox.push(value);
    return this.#ask();
  }

  // No further value will be sent.
  end() {
    if (this.#half || this.#state === "answered" || this.#state === "done") return;
    this.#half = true;
    this.#flush();
  }

  // Thrown where the generator is suspended; resolves to the next item if it goes on.
  throw(error) {
    if (this.#state !== "open" || !this.#wire) return this.#leave(), Promise.reject(error);
    this.#tell("throw", `"error":${JSON.stringify(toWeftError(error))}`);
    return this.#ask();
  }

  // Takes the stream back; resolves when the generator has cleaned up.
  async return(value) {
    if (this.#state === "open") {
      const answered = this.#wire && new Promise((resolve) => (this.#closing = resolve));
      this.#wire?.connection.cancel(this.#wire.id);
      this.#finishWaiting();
      if (answered) await answered;
    }
    this.#leave();
    return { value, done: true };
  }

  // What the connection tells of it.
  receive(what, params) {
    if (what === "item") this.#receiveItem(params);
    else this.#receiveCredit(params);
  }

  settle(outcome) {
    this.#wire = undefined;
    const pause = outcome.error && this.#state === "open" && !this.#closing ? this.#pauseBefore(outcome.error) : undefined;
    if (pause !== undefined) return this.#reopen(pause);
    if (outcome.error) return this.#finish({ error: this.#attempts.told(outcome.error) });
    // `for await` would lose it.
    const plain = !this.#came && (outcome.result ?? null) !== null;
    return this.#finish(plain ? { error: notStreaming(this.#options.method) } : outcome);
  }

  #start() {
    this.#state = "open";
    const { signal, timeoutMs, clock, context, method } = this.#options;
    const giveUp = (error) => this.#giveUp(error);
    const abort = () => giveUp(signal.reason);
    if (signal?.aborted) return giveUp(signal.reason);
    const timer = timeoutMs === Infinity
      ? undefined : clock.setTimeout(() => giveUp(late(method, timeoutMs, "unknown")), timeoutMs);
    const leave = context?.onAbort(giveUp);
    signal?.addEventListener("abort", abort, { once: true });
    this.#release = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      leave?.();
    };
    return this.#reopen(0);
  }

  async #reopen(pauseMs) {
    this.#granted = this.#options.window;
    this.#taken = -this.#items.length;
    this.#seq = this.#sent = this.#credit = 0;
    this.#bytes = Infinity;
    this.#takesValues = false;
    this.#half &&= true;
    try {
      const wire = await this.#open(this.#after, pauseMs, this);
      // It may have been given up meanwhile, or even be over.
      if (this.#state !== "open") return wire.connection.cancel(wire.id);
      this.#flush();
    } catch (error) {
      if (this.#state === "open") this.settle({ error });
    }
  }

  // It runs now, as this call.
  opened(connection, id) {
    this.#wire = { connection, id };
  }

  #pauseBefore(error) {
    const { resume } = this.#options;
    const fresh = this.#seq === 0;
    this.#attempts.mayHaveRun ||= !fresh;
    if (!fresh && !(resume && this.#after !== undefined && this.#sent === 0)) return undefined;
    if (!fresh) this.#attempts.count = 0;
    return this.#mayReopen(error, this.#attempts, resume);
  }

  #giveUp(error) {
    if (this.#state !== "open") return;
    this.#wire?.connection.cancel(this.#wire.id);
    this.#items.clear();
    this.#finish({ error });
  }

  #finish(outcome) {
    if (this.#state === "answered" || this.#state === "done") return this.#closing?.();
    this.#state = "answered";
    this.#answer = outcome;
    this.#outbox.clear();
    this.#release();
    this.#closing?.();
    while (this.#waiting.length > 0) {
      const { resolve, reject } = this.#waiting.shift();
      this.#conclude(resolve, reject);
    }
    return undefined;
  }

  // The answer is given once, then there is only the end.
  #conclude(resolve, reject) {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#state = "done";
    if (answer === undefined) return resolve(OVER);
    return answer.error === undefined ? resolve({ value: answer.result, done: true }) : reject(answer.error);
  }

  #leave() {
    this.#release();
    this.#state = "done";
    this.#answer = undefined;
    this.#items.clear();
    this.#finishWaiting();
  }

  #finishWaiting() {
    while (this.#waiting.length > 0) this.#waiting.shift().resolve(OVER);
  }

  #ask() {
    this.#asked = true;
    this.#flush();
    if (this.#items.length > 0) return Promise.resolve(this.#deliver(this.#items.shift()));
    return new Promise((resolve, reject) => {
      if (this.#state === "open") this.#waiting.push({ resolve, reject });
      else this.#conclude(resolve, reject);
    });
  }

  #deliver({ value, cursor }) {
    ++this.#taken;
    if (cursor !== undefined) this.cursor = cursor;
    return { value: this.#options.cursors ? new Item(value, cursor) : value, done: false };
  }

  #receiveItem({ seq, value, cursor }) {
    if (this.#state !== "open" || this.#closing) return;
    if (seq !== this.#seq) return this.#refuse(codes.internalError, `the item ${seq} came instead of ${this.#seq}`);
    if (this.#granted-- <= 0) return this.#refuse(codes.resourceExhausted, "an item came for which no credit was given");
    ++this.#seq;
    this.#came = true;
    if (cursor !== undefined) this.#after = cursor;
    const item = { value, cursor };
    if (this.#waiting.length > 0) this.#waiting.shift().resolve(this.#deliver(item));
    else this.#items.push(item);
    if (seq === 0) this.#flush();
  }

  #refuse(code, message) {
    this.#giveUp(new WeftError(code, message, { executed: "unknown" }));
  }

  #receiveCredit({ credit = 0, bytes }) {
    this.#takesValues = true;
    this.#credit += credit;
    // Who has named none so far has granted any number of them.
    if (bytes !== undefined) this.#bytes = bytes + (this.#bytes === Infinity ? 0 : this.#bytes);
    this.#flush();
  }

  // Sends what may be sent. Items are granted last: until then the generator waits for what was sent or thrown.
  #flush() {
    if (!this.#wire) return;
    while (this.#outbox.length > 0 && this.#credit > 0 && this.#bytes > 0) {
      const text = JSON.stringify(this.#outbox.shift()) ?? "null";
      --this.#credit;
      if (this.#bytes !== Infinity) this.#bytes -= Buffer.byteLength(text);
      this.#tell("send", `"seq":${this.#sent++},"value":${text}`);
    }
    if (this.#outbox.length > 0) {
      // Who takes values grants the first of them before the first item.
      const takesNothing = this.#seq > 0 && !this.#takesValues;
      if (takesNothing) this.#refuse(codes.invalidParams, "the method takes no values; read its items, and send nothing");
      return;
    }
    if (this.#half === true) {
      this.#half = "told";
      this.#tell("end");
    }
    if (!this.#asked) return;
    this.#asked = false;
    if (2 * this.#taken < this.#options.window) return;
    this.#granted += this.#taken;
    this.#tell("credit", `"credit":${this.#taken}`);
    this.#taken = 0;
  }

  #tell(what, members) {
    this.#wire.connection.tell(this.#wire.id, what, members);
  }
}
