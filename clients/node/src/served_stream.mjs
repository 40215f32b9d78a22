// The callee's end of a stream: steps a generator as far as its caller lets it.

import { setImmediate as nextTurn } from "node:timers/promises";
import { codes, fromWire, WeftError } from "./errors.mjs";
import { Item } from "./service.mjs";

const VALUES_AHEAD = 16; // so many values may wait for a generator
const BURST = 64; // items after which others in the process have their turn

export class ServedStream {
  #tell; // (what, the further members as JSON) of a message to the caller
  #transport;
  #method;
  #context;
  #credit = 0;
  #bytes = Infinity;
  #values = [];
  #thrown = [];
  #ended = false;
  #sent = 0;
  #came = 0;
  #accepted = 0;
  #wake = undefined;
  #checks;

  constructor({ tell, transport, method, context, stream, checks }) {
    this.#tell = tell;
    this.#transport = transport;
    this.#method = method;
    this.#context = context;
    this.#checks = checks;
    this.#grant(stream);
    context.onAbort(() => this.#wake?.());
  }

  // A message of the caller, by the word behind $/stream/.
  receive(what, params) {
    if (what === "credit") this.#grant(params);
    else if (what === "send") this.#take(params);
    else if (what === "throw") this.#thrown.push(fromWire(params.error));
    else if (what === "end") this.#ended = true;
    this.#wake?.();
  }

  // Steps what `start` makes. Resolves to what the generator returns, once it has cleaned up; rejects with what it
  // throws.
  async run(start) {
    const generator = iterate(await start());
    let count = 0;
    let values = 0;
    if (this.#method.takesInput) this.#accept(VALUES_AHEAD);
    try {
      for (;;) {
        while (!this.#mayStep(count)) await this.#event();
        this.#throwIfAborted();
        const sending = count > 0 && this.#values.length > 0 && this.#thrown.length === 0;
        const { value, done } = await this.#step(generator, sending);
        this.#throwIfAborted();
        if (done) return value;
        if (sending && 2 * ++values >= VALUES_AHEAD) {
          this.#accept(values);
          values = 0;
        }
        // What was thrown is let in without credit, but its answer is an item as any other.
        while (!this.#maySend()) await this.#event();
        this.#send(value);
        // A generator that never waits would keep the process for all that it was granted.
        if (++count % BURST === 0) await nextTurn();
        if (this.#transport.congested) await this.#transport.drained();
      }
    } finally {
      await generator.return?.();
    }
  }

  #step(generator, sending) {
    if (this.#thrown.length > 0) return generator.throw(this.#thrown.shift());
    return sending ? generator.next(this.#values.shift()) : generator.next();
  }

  #throwIfAborted() {
    if (this.#context.aborted) throw this.#context.reason;
  }

  async #event() {
    this.#throwIfAborted();
    await new Promise((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#throwIfAborted();
  }

  // Any byte that is left is enough for the next one.
  #maySend() {
    return this.#credit > 0 && this.#bytes > 0;
  }

  #mayStep(count) {
    if (this.#thrown.length > 0) return true;
    const hasInput = !this.#method.takesInput || count === 0 || this.#values.length > 0 || this.#ended;
    return hasInput && this.#maySend();
  }

  #grant({ credit = 0, bytes }) {
    this.#credit += credit;
    // Who has named none so far has granted any number of them.
    if (bytes !== undefined) this.#bytes = bytes + (this.#bytes === Infinity ? 0 : this.#bytes);
  }

  #accept(credit) {
    this.#accepted += credit;
    this.#tell("accept", `"credit":${credit}`);
  }

  #take({ seq, value }) {
    const refusal = this.#refuse(seq) ?? this.#method.refuseInput(value, this.#context.method);
    if (refusal) return this.#context.abort(refusal);
    ++this.#came;
    --this.#accepted;
    this.#values.push(value);
  }

  #refuse(seq) {
    if (seq !== this.#came) {
      return new WeftError(codes.internalError, `the value ${seq} came instead of ${this.#came}`);
    }
    if (this.#accepted > 0) return undefined;
    return new WeftError(codes.resourceExhausted, "a value came for which no credit was given", { executed: "unknown" });
  }

  #send(yielded) {
    const { value, cursor } = yielded instanceof Item ? yielded : { value: yielded };
    if (this.#checks) this.#method.check("item", value, this.#context.method);
    const text = JSON.stringify(value) ?? "null";
    --this.#credit;
    if (this.#bytes !== Infinity) this.#bytes -= Buffer.byteLength(text);
    const behind = cursor === undefined ? "" : `,"cursor":${JSON.stringify(cursor)}`;
    this.#tell("item", `"seq":${this.#sent++},"value":${text}${behind}`);
  }
}

// What a caller gets that did not ask for a stream, where no node gathers for it.
export async function gather(start, context) {
  const generator = iterate(await start());
  const items = [];
  try {
    for (;;) {
      const { value, done } = await generator.next();
      if (context.aborted) throw context.reason;
      if (done) return items;
      items.push(value instanceof Item ? value.value : value);
      if (items.length % BURST === 0) await nextTurn();
    }
  } finally {
    await generator.return?.();
  }
}

function iterate(made) {
  const begin = made?.[Symbol.asyncIterator] ?? made?.[Symbol.iterator];
  if (!begin) throw new TypeError("a method that streams returns what `for await` can go through");
  return begin.call(made);
}
