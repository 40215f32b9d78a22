// A client of a weft node: calls and is called over one TCP connection. No dependency, Node.js 18 or later.
//
//     const node = await connect("127.0.0.1:7400", { name: "me" });
//     console.log(await node.call("demo.echo", ["hello"], { timeout: 2000 }));
//     for await (const line of node.stream("log.tail", { file: "a" })) console.log(line);
//     node.close();
//
//     await serve("127.0.0.1:7400", { name: "users", methods: { "users.get": ({ id }) => … } });
//
// A method is a function, plain or async, called as `method(params, { signal, connection, notification })`.
// Its result is the answer; throw RpcError to answer with an error. `signal` is aborted when the caller
// cancels, when the deadline passes and when the connection ends: pass it on to what the method waits for.
//
// A method that is an async generator function is served as a stream: it runs as far as its caller has asked for
// items, and returns, with its `finally`, when the caller takes the stream back or is gone. If its entry in `serves`
// has a member `input`, every step but the first waits for a value that the caller sends: `yield` gives it, or
// undefined once the caller has ended its side. If it is "resumable", it yields `new Item(value, cursor)`, and begins
// behind the cursor `after` that it gets beside `signal`; undefined to begin.

import { EventEmitter, once } from "node:events";
import net from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

const HEADER_BYTES = 4;
const MAX_FRAME_BYTES = 16 << 20;
const VALUES_AHEAD = 16; // so many values may wait for a generator of ours
const BURST = 64; // items after which others in the process have their turn
const AsyncGeneratorFunction = (async function* () {}).constructor;

export const codes = {
  methodNotFound: -32601, internalError: -32603, cancelled: -32800, deadlineExceeded: 4, unavailable: 14,
};

// An error answer, or a call that got no answer (codes 4 and 14, as the node itself would give them).
export class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    Object.assign(this, { name: "RpcError", code, data });
  }

  // True when the method certainly did not run.
  get safeToRetry() {
    return this.data?.executed === "no";
  }
}

const asRpcError = (error) =>
  error instanceof RpcError ? error : new RpcError(codes.internalError, `${error}`);

// What a stream yields, and where a resumable one can go on behind it.
export class Item {
  constructor(value, cursor) {
    Object.assign(this, { value, cursor });
  }
}

// Our end of a stream: what has come for it, and how much it may send.
class StreamEnd {
  came = []; // of items, or of values that the caller has sent
  thrown = [];
  ended = false; // no further value will come
  #seq = 0;
  #credit;
  #bytes;
  #waiting = [];

  constructor({ credit = 0, bytes = Infinity, after } = {}) {
    this.after = after;
    this.#credit = credit;
    this.#bytes = bytes;
  }

  // May the next one be sent? It is not cut: any byte that is left is enough for it.
  get open() {
    return this.#credit > 0 && this.#bytes > 0;
  }

  // What to say of the next one beside its stream; it counts as sent.
  next(given) {
    const value = given === undefined ? null : given;
    --this.#credit;
    this.#bytes -= Buffer.byteLength(JSON.stringify(value));
    return { seq: this.#seq++, value };
  }

  // The members of a message of this stream.
  receive(what, { credit = 0, bytes, value, cursor, error }) {
    this.#credit += credit;
    // Who has named none so far has granted any number of them.
    if (bytes !== undefined) this.#bytes = bytes + (this.#bytes === Infinity ? 0 : this.#bytes);
    if (what === "item") this.came.push(new Item(value, cursor));
    else if (what === "send") this.came.push(value);
    else if (what === "end") this.ended = true;
    else if (what === "throw") {
      const { code = codes.internalError, message = "thrown by the caller", data } = error;
      this.thrown.push(new RpcError(code, message, data));
    }
    this.wake();
  }

  wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(ready) {
    while (!ready()) await new Promise((resolve) => this.#waiting.push(resolve));
  }
}

// Cuts a byte stream into frames: feed it chunks, it gives the payloads that they complete.
class FrameReader {
  #chunks = [];
  #size = 0;

  *feed(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= HEADER_BYTES) {
      if (this.#chunks[0].length < HEADER_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
      const length = this.#chunks[0].readInt32BE(0);
      if (length <= 0 || length > MAX_FRAME_BYTES) {
        throw new Error(`frame of ${length} bytes, expected 1 to ${MAX_FRAME_BYTES}`);
      }
      const end = HEADER_BYTES + length;
      if (this.#size < end) return;
      const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [bytes.subarray(end)];
      this.#size -= end;
      yield bytes.subarray(HEADER_BYTES, end);
    }
  }
}

// One connection to a node; made by `connect`. Emits "close" with the reason.
export class Connection extends EventEmitter {
  #socket;
  #methods;
  #ids = 0;
  #pending = new Map(); // id of a call of ours -> { resolve, reject }
  #serving = new Map(); // id of a call to us -> AbortController
  #reading = new Map(); // id of a call of ours that streams -> our end
  #sending = new Map(); // id of a call to us that streams -> our end
  #withInput;
  #draining = false;
  #heard = performance.now();
  #heartbeat;
  closed = false;

  constructor(socket, methods, withInput = new Set()) {
    super();
    this.#socket = socket;
    this.#methods = methods;
    this.#withInput = withInput;
    const frames = new FrameReader();
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      // What comes after the end could not be answered, so it must not run.
      if (this.closed) return;
      this.#heard = performance.now();
      try {
        for (const payload of frames.feed(chunk)) this.#receive(JSON.parse(payload));
      } catch (error) {
        this.close(`the node broke the protocol: ${error.message}`);
      }
    });
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => this.close("the node closed the connection"));
  }

  // The method's result; rejects with RpcError. `signal` cancels the call. Calls with one `routeKey`, any JSON value,
  // reach one instance where `consistent_hash` balances the method.
  call(method, params, { timeout = 30_000, signal, routeKey } = {}) {
    if (this.#draining || this.closed) return Promise.reject(notSent(method));
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const giveUp = (error) => {
        this.#send({ method: "$/cancelRequest", params: { id } });
        this.#settle(id, ({ reject }) => reject(error));
      };
      const late = `${method} gave no answer in ${timeout} ms`;
      const timer = setTimeout(() => {
        giveUp(new RpcError(codes.deadlineExceeded, late, { executed: "unknown" }));
      }, timeout);
      const abort = () => giveUp(signal.reason);
      const done = (finish) => (value) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        finish(value);
      };
      this.#pending.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#send({ id, method, params, deadline_ms: timeout, route_key: routeKey });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
    });
  }

  // The method's items, as an async generator whose body runs elsewhere, at most `credit` items ahead.
  //
  // `next(value)` gives it a value, as soon as it takes one. `throw(error)` throws an error there. Both resolve to the
  // next item: with a credit of 1 that is what the generator answers, with more come those first that were on their
  // way. `return()`, which a loop calls that is left early, takes the stream back and resolves when the cleanup there
  // has run.
  //
  // Its last value, with `done`, is the method's result; an error of the stream is thrown as RpcError. `deadline` (ms)
  // holds for all of it. `after` is the cursor behind which a resumable method is to begin; with `cursors` every item
  // is an Item with its cursor. `signal` takes the stream back, too.
  async *stream(method, params, { credit = 64, deadline, after, cursors = false, signal, routeKey } = {}) {
    if (this.#draining || this.closed) throw notSent(method);
    signal?.throwIfAborted();
    const id = ++this.#ids;
    const end = new StreamEnd();
    let answer, failure;
    const failWith = (error) => {
      failure ??= error;
      end.wake();
    };
    const settle = (outcome) => {
      answer = outcome;
      end.wake();
    };
    const until = async (ready) => {
      await end.until(() => failure || answer || ready());
      if (failure) throw failure;
    };
    const why = `${method} did not end in ${deadline} ms`;
    const late = new RpcError(codes.deadlineExceeded, why, { executed: "unknown" });
    const timer = deadline === undefined ? undefined : setTimeout(failWith, deadline, late);
    const abort = () => failWith(signal.reason);
    signal?.addEventListener("abort", abort);
    this.#reading.set(id, end);
    this.#pending.set(id, { resolve: (result) => settle({ result }), reject: (error) => settle({ error }) });
    try {
      this.#send({ id, method, params, deadline_ms: deadline, stream: { credit, after }, route_key: routeKey });
      for (let taken = 0; ; ) {
        await until(() => end.came.length > 0);
        if (end.came.length === 0) {
          if (answer.error) throw answer.error;
          return answer.result;
        }
        const item = end.came.shift();
        let sent;
        try {
          sent = yield cursors ? item : item.value;
        } catch (error) {
          if (answer) throw error;
          const { code, message, data } = asRpcError(error);
          this.#tell(id, "throw", { error: { code, message, data } });
        }
        if (sent !== undefined) {
          await until(() => end.open);
          if (!answer) this.#tell(id, "send", end.next(sent));
        }
        // Granted last: until then the generator waits for what was sent or thrown.
        if (2 * ++taken >= credit && !answer) {
          this.#tell(id, "credit", { credit: taken });
          taken = 0;
        }
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      if (!answer) this.#send({ method: "$/cancelRequest", params: { id } });
      await end.until(() => answer);
      this.#reading.delete(id);
    }
  }

  // A call without an answer.
  notify(method, params) {
    this.#send({ method, params });
  }

  // Ends the connection: calls under way fail with code 14, methods under way are aborted.
  close(reason = "closed by this side") {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.#heartbeat);
    const lost = new RpcError(codes.unavailable, reason, { executed: "unknown" });
    for (const { reject } of this.#pending.values()) reject(lost);
    for (const controller of this.#serving.values()) controller.abort(lost);
    this.#pending.clear();
    this.#socket.end();
    // A node that does not close its side must not keep the process alive.
    this.#socket.unref();
    this.emit("close", reason);
  }

  // Shows the node that we live; leaves when it has been silent for three intervals.
  keepAlive(interval) {
    this.#heartbeat = setInterval(() => {
      const silence = performance.now() - this.#heard;
      if (silence > 3 * interval) this.close(`the node said nothing for ${Math.round(silence)} ms`);
      else this.#send({ id: `heartbeat-${++this.#ids}`, method: "heartbeat" });
    }, interval);
  }

  #tell(id, what, params) {
    this.#send({ method: `$/stream/${what}`, params: { id, ...params } });
  }

  #send(message) {
    if (this.closed) return;
    const payload = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeInt32BE(payload.length);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  #receive(message) {
    const { id, method, params } = message;
    if (method === "heartbeat" && id !== undefined) this.#send({ id, result: "ok" });
    else if (method === "$/cancelRequest") this.#cancel(params?.id);
    else if (method === "$/goaway") this.#drain(params);
    else if (method?.startsWith("$/stream/") && id === undefined) this.#receiveOfStream(method.slice(9), params ?? {});
    else if (method !== undefined) this.#serve(message);
    else if (message.error) {
      const { code, message: text, data } = message.error;
      this.#settle(id, ({ reject }) => reject(new RpcError(code, text, data)));
    } else this.#settle(id, ({ resolve }) => resolve(message.result));
  }

  #receiveOfStream(what, params) {
    const ends = what === "item" || what === "accept" ? this.#reading : this.#sending;
    ends.get(params.id)?.receive(what, params);
  }

  #cancel(id) {
    this.#serving.get(id)?.abort(new RpcError(codes.cancelled, "cancelled"));
  }

  // An answer that comes after its timeout finds nobody waiting.
  #settle(id, outcome) {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (waiting) outcome(waiting);
    this.#leaveWhenDrained();
  }

  // Runs one of our methods for the node; answers unless it was a notification.
  async #serve({ id, method, params, stream, deadline_ms: deadline }) {
    const notification = id === undefined;
    const controller = new AbortController();
    if (!notification) this.#serving.set(id, controller);
    const generates = Object.hasOwn(this.#methods, method) && this.#methods[method] instanceof AsyncGeneratorFunction;
    const end = generates && stream && !notification ? new StreamEnd(stream) : undefined;
    if (end) this.#sending.set(id, end);
    const late = new RpcError(codes.deadlineExceeded, `${method} took longer than ${deadline} ms`);
    const timer = deadline === undefined ? undefined : setTimeout(() => controller.abort(late), deadline);
    let answer;
    try {
      const context = { signal: controller.signal, connection: this, notification, after: end?.after };
      const run = this.#run(method, params, context);
      const result = generates ? this.#drive(id, await run, { method, end, signal: controller.signal }) : run;
      // A generator is given the time that its cleanup takes.
      answer = { result: (await (generates ? result : Promise.race([result, aborted(controller)]))) ?? null };
      JSON.stringify(answer); // a result that is no JSON is the method's error
    } catch (error) {
      const failure = asRpcError(error);
      answer = { error: { code: failure.code, message: failure.message, data: failure.data } };
    }
    clearTimeout(timer);
    if (notification) return;
    this.#serving.delete(id);
    this.#sending.delete(id);
    this.#send({ id, ...answer });
    this.#leaveWhenDrained();
  }

  async #run(method, params, context) {
    if (!Object.hasOwn(this.#methods, method)) {
      const known = Object.keys(this.#methods).join(", ") || "none";
      throw new RpcError(codes.methodNotFound, `no method ${method} here, only ${known}`);
    }
    return this.#methods[method](params, context);
  }

  // Steps a generator of ours as far as its caller lets it. Resolves to what it returns, or to an array of its items
  // for a caller that did not ask for a stream and has no node that would gather them.
  async #drive(id, generator, { method, end, signal }) {
    const gathered = end ? undefined : [];
    const withInput = end !== undefined && this.#withInput.has(method);
    end ??= new StreamEnd({ credit: Infinity });
    const wake = () => end.wake();
    const until = async (ready) => {
      await end.until(() => signal.aborted || ready());
      signal.throwIfAborted();
    };
    let count = 0;
    let values = 0;
    const mayStep = () => {
      const hasInput = !withInput || count === 0 || end.came.length > 0 || end.ended;
      return end.thrown.length > 0 || (end.open && hasInput);
    };
    const begin = () => {
      if (end.thrown.length > 0) return generator.throw(end.thrown.shift());
      if (end.came.length === 0 || count === 0) return generator.next();
      ++values;
      return generator.next(end.came.shift());
    };
    const step = async () => {
      let outcome;
      begin().then((value) => (outcome = { value }), (error) => (outcome = { error })).then(wake);
      await until(() => outcome);
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    };
    signal.addEventListener("abort", wake);
    try {
      if (withInput) this.#tell(id, "accept", { credit: VALUES_AHEAD });
      for (;;) {
        await until(mayStep);
        const { value: item, done } = await step();
        if (done) return gathered ?? item;
        if (2 * values >= VALUES_AHEAD) {
          this.#tell(id, "accept", { credit: values });
          values = 0;
        }
        const { value, cursor } = item instanceof Item ? item : { value: item };
        if (gathered) gathered.push(value);
        else {
          // What was thrown is let in without credit, but its answer is an item as any other.
          await until(() => end.open);
          this.#tell(id, "item", { ...end.next(value), cursor });
        }
        // A generator that never waits would keep the process for all that it was granted.
        if (++count % BURST === 0) await nextTurn();
      }
    } finally {
      signal.removeEventListener("abort", wake);
      await generator.return();
    }
  }

  #drain(params) {
    console.error("the node is draining:", JSON.stringify(params));
    this.#draining = true;
    this.#leaveWhenDrained();
  }

  #leaveWhenDrained() {
    const busy = this.#pending.size > 0 || this.#serving.size > 0;
    // Requests for our methods may still be on their way: then it is the node that closes.
    const serves = Object.keys(this.#methods).length > 0;
    if (this.#draining && !busy && !serves) this.close("the node is draining");
  }
}

const notSent = (method) =>
  new RpcError(codes.unavailable, `${method} not sent: the connection is closing`, { executed: "no" });

const aborted = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

// An entry of `serves`, which says that the method streams if it does.
const declare = (entry, methods) => {
  const method = typeof entry === "string" ? entry : entry.method;
  if (!(methods[method] instanceof AsyncGeneratorFunction)) return entry;
  return { method, stream: true, ...(typeof entry === "string" ? {} : entry) };
};

// A Connection to the node at HOST:PORT, introduced as `name` and serving `methods` (name -> function).
// `serves` is what the mesh is told, when names are not enough: [{ method: "users.get", idempotent: true }, …].
// `token` says who this is, to a node that asks for one; without it the variable WEFT_TOKEN does.
export async function connect(address, options) {
  const { name, instance, methods = {}, heartbeat = 15_000 } = options;
  const serves = (options.serves ?? Object.keys(methods)).map((entry) => declare(entry, methods));
  const withInput = new Set(serves.filter((entry) => entry.input !== undefined).map((entry) => entry.method));
  const token = options.token || process.env.WEFT_TOKEN || undefined;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const socket = net.connect({ host, port: Number(address.slice(colon + 1)) });
  await once(socket, "connect");
  const connection = new Connection(socket, methods, withInput);
  try {
    const introduction = { name, instance, token, serves, heartbeat_ms: heartbeat };
    connection.node = await connection.call("connect", introduction);
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.keepAlive(connection.node.heartbeat_ms);
  return connection;
}

// Serves for ever: connects again, with a growing delay, whenever the connection ends. Options as for `connect`.
export async function serve(address, options) {
  for (let delay = 100; ; delay = Math.min(2 * delay, 10_000)) {
    try {
      const connection = await connect(address, options);
      console.error(`serving ${Object.keys(options.methods).join(", ")} at node ${connection.node.node}`);
      delay = 100;
      if (!connection.closed) await once(connection, "close");
      console.error(`the connection to ${address} ended`);
    } catch (error) {
      console.error(`cannot connect to ${address}: ${error.message}`);
    }
    // Jitter keeps a thousand services from coming back in the same instant.
    await sleep(delay * (0.5 + Math.random() / 2));
  }
}
