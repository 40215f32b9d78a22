// A client of a weft node: calls and is called over one TCP connection. No dependency, Node.js 18 or later.
//
//     const node = await connect("127.0.0.1:7400", { name: "me" });
//     console.log(await node.call("demo.echo", ["hello"], { timeout: 2000 }));
//     node.close();
//
//     await serve("127.0.0.1:7400", { name: "users", methods: { "users.get": ({ id }) => … } });
//
// A method is a function, plain or async, called as `method(params, { signal, connection, notification })`.
// Its result is the answer; throw RpcError to answer with an error. `signal` is aborted when the caller
// cancels, when the deadline passes and when the connection ends: pass it on to what the method waits for.

import { EventEmitter, once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const HEADER_BYTES = 4;
const MAX_FRAME_BYTES = 16 << 20;

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
  #draining = false;
  #heard = performance.now();
  #heartbeat;
  closed = false;

  constructor(socket, methods) {
    super();
    this.#socket = socket;
    this.#methods = methods;
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
    if (this.#draining || this.closed) {
      const why = `${method} not sent: the connection is closing`;
      return Promise.reject(new RpcError(codes.unavailable, why, { executed: "no" }));
    }
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
    else if (method !== undefined) this.#serve(message);
    else if (message.error) {
      const { code, message: text, data } = message.error;
      this.#settle(id, ({ reject }) => reject(new RpcError(code, text, data)));
    } else this.#settle(id, ({ resolve }) => resolve(message.result));
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
  async #serve({ id, method, params, deadline_ms: deadline }) {
    const notification = id === undefined;
    const controller = new AbortController();
    if (!notification) this.#serving.set(id, controller);
    const late = new RpcError(codes.deadlineExceeded, `${method} took longer than ${deadline} ms`);
    const timer = deadline === undefined ? undefined : setTimeout(() => controller.abort(late), deadline);
    let answer;
    try {
      const run = this.#run(method, params, { controller, notification });
      answer = { result: (await Promise.race([run, aborted(controller)])) ?? null };
      JSON.stringify(answer); // a result that is no JSON is the method's error
    } catch (error) {
      const failure = error instanceof RpcError ? error : new RpcError(codes.internalError, `${error}`);
      answer = { error: { code: failure.code, message: failure.message, data: failure.data } };
    }
    clearTimeout(timer);
    if (notification) return;
    this.#serving.delete(id);
    this.#send({ id, ...answer });
    this.#leaveWhenDrained();
  }

  async #run(method, params, { controller, notification }) {
    if (!Object.hasOwn(this.#methods, method)) {
      const known = Object.keys(this.#methods).join(", ") || "none";
      throw new RpcError(codes.methodNotFound, `no method ${method} here, only ${known}`);
    }
    return this.#methods[method](params, { signal: controller.signal, connection: this, notification });
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

const aborted = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

// A Connection to the node at HOST:PORT, introduced as `name` and serving `methods` (name -> function).
// `serves` is what the mesh is told, when names are not enough: [{ method: "users.get", idempotent: true }, …].
// `token` says who this is, to a node that asks for one; without it the variable WEFT_TOKEN does.
export async function connect(address, options) {
  const { name, instance, methods = {}, serves = Object.keys(methods), heartbeat = 15_000 } = options;
  const token = options.token || process.env.WEFT_TOKEN || undefined;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const socket = net.connect({ host, port: Number(address.slice(colon + 1)) });
  await once(socket, "connect");
  const connection = new Connection(socket, methods);
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
