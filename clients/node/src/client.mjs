// A place at the mesh: one connection at a time, to whichever of the addresses takes it, and calls and streams that
// outlive it.

import { EventEmitter } from "node:events";
import { realClock } from "./clock.mjs";
import { Connection } from "./connection.mjs";
import { callUnderWay, outside } from "./context.mjs";
import { codes, late, unavailable, WeftError } from "./errors.mjs";
import { checkCall, checkServe, readOptions } from "./options.mjs";
import { Attempts, Backoff } from "./retry.mjs";
import { Stream } from "./stream.mjs";
import { outgoingTrace } from "./telemetry.mjs";
import { dial } from "./transport.mjs";

// An answer to `connect` that says something about now, and not about who asks.
const PASSING = new Set([codes.resourceExhausted, codes.unavailable, codes.deadlineExceeded, codes.internalError]);
const DEFAULT_WINDOW = 64;

export class Client extends EventEmitter {
  #options;
  #clock;
  #dial;
  #backoff;
  #checks; // whether what methods give is checked
  #connections = new Set();
  #current = undefined;
  #waiting = new Set(); // for a connection: functions
  #connecting = false;
  #logged = undefined; // why there is no connection: said once, until it is another reason or there was one
  #state = "connecting";
  #leaving = false; // by drain()
  #over = undefined; // why there will be no connection any more
  #stop = new AbortController();
  #onIdle = undefined; // wakes who waits for the methods under way
  #close;

  // Made by `connect` and `serve`. `surroundings` replace time and network in tests.
  constructor(options, surroundings = {}) {
    super();
    this.#options = options;
    this.#clock = surroundings.clock ?? realClock;
    this.#dial = surroundings.dial ?? dial;
    this.#backoff = new Backoff(options.backoff);
    this.#checks = surroundings.checks ?? false;
    this.address = undefined;
    this.peer = undefined;
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  get state() {
    return this.#state;
  }

  // The method's result.
  async call(method, params, options = {}) {
    checkCall(options);
    options.signal?.throwIfAborted();
    const members = this.#members(options, this.#options.timeoutMs);
    const until = this.#clock.now() + members.timeoutMs;
    const attempts = new Attempts();
    for (;;) {
      try {
        let connection = this.#current;
        if (!connection || attempts.count > 0) {
          connection ??= await this.#connected(method, members, until);
          members.timeoutMs = until - this.#clock.now();
        }
        return await connection.call(method, params, members);
      } catch (error) {
        const { retries } = this.#options;
        const leftMs = until - this.#clock.now();
        const pause = attempts.pauseAfter(error, { retries, mayRepeat: options.idempotent, leftMs });
        if (pause === undefined || leftMs <= 0 || this.#over) throw attempts.told(error);
        await this.#pause(pause, members);
      }
    }
  }

  // The method's items, as an async generator whose body runs elsewhere.
  stream(method, params, options = {}) {
    checkCall(options, true);
    const { window = DEFAULT_WINDOW, after, cursors = false, resume = false, idempotent = false } = options;
    const limits = this.#members(options, Infinity);
    let until;
    const open = async (behind, pauseMs, reader) => {
      until ??= this.#clock.now() + limits.timeoutMs;
      if (pauseMs > 0) await this.#pause(pauseMs, limits);
      const connection = this.#current ?? (await this.#connected(method, limits, until));
      const deadlineMs = limits.timeoutMs === Infinity ? undefined : until - this.#clock.now();
      const stream = { credit: window, after: behind };
      const id = connection.open(method, params, { ...limits, deadlineMs, stream }, reader);
      reader.opened(connection, id);
      return { connection, id };
    };
    const { retries } = this.#options;
    const mayReopen = (error, attempts, resumes) => {
      const leftMs = until === undefined ? limits.timeoutMs : until - this.#clock.now();
      const pause = attempts.pauseAfter(error, { retries, mayRepeat: idempotent || resumes, leftMs });
      return this.#over ? undefined : pause;
    };
    return new Stream(open, mayReopen, { ...limits, method, window, after, cursors, resume, clock: this.#clock });
  }

  // A call without an answer; false when there is no connection to send it over.
  notify(method, params) {
    this.#current?.notify(method, params);
    return this.#current !== undefined;
  }

  // Takes leave: the mesh sends nothing new, what is under way is answered if it ends in time, then this closes.
  async drain() {
    if (this.#over || this.#leaving) return this.closed;
    this.#leaving = true;
    this.#become("draining");
    try {
      await this.#current?.call("mesh.drain", undefined, { timeoutMs: this.#options.connectTimeoutMs });
      // Calls are still on their way that were sent on before every node knew.
      await new Promise((resolve) => this.#clock.setTimeout(resolve, this.#options.graceMs));
      await this.#idle();
    } catch (error) {
      this.#log(`nobody to take leave of: ${error.message}`);
    }
    return this.close();
  }

  // Ends every connection: calls under way fail, methods under way are aborted.
  async close(reason = new Error("closed by this side")) {
    this.#end(reason);
    await this.closed;
  }

  // Connects for the first time. Rejects when the node refuses, and when none is there unless it waits for one. Who is
  // told to leave meanwhile has left.
  async begin({ waits }) {
    const { signal } = this.#options;
    const abort = () => this.#end(signal.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    this.closed.then(() => signal?.removeEventListener("abort", abort));
    try {
      await outside(() => this.#connect({ waits, addresses: this.#options.addresses }));
    } catch (error) {
      this.#end(error);
      if (!this.#leaving) throw error;
    }
    return this;
  }

  async #connect({ waits, addresses, atOnce = true }) {
    this.#connecting = true;
    for (let soon = atOnce; ; soon = false) {
      if (!soon) await this.#pause(this.#backoff.pause(), { signal: this.#stop.signal });
      if (this.#over) throw this.#over;
      try {
        return await this.#round(addresses);
      } catch (error) {
        if (this.#over) throw this.#over;
        if (error.refused || !waits) throw error;
        if (error.message !== this.#logged) this.#log(error.message);
        this.#logged = error.message;
      }
    }
  }

  // Asks one address after the other.
  async #round(addresses) {
    const failures = [];
    for (const address of addresses) {
      try {
        const link = await this.#introduce(address);
        if (!link.leaving && !link.connection.ended) this.#adopt(address, link);
        // A node that leaves may still have sent calls.
        link.connection.begin();
        if (link.adopted) return;
        failures.push(`${address}: the node is ${link.leaving ? "draining" : "gone again"}`);
      } catch (error) {
        if (error.refused || this.#over) throw error;
        failures.push(`${address}: ${error.message || error.errors?.map((each) => each.message).join(", ")}`);
      }
    }
    throw unavailable(`cannot connect to ${failures.join("; ")}`, "no");
  }

  async #introduce(address) {
    const { tls, connectTimeoutMs: timeoutMs, maxFrameBytes, service, callbacks } = this.#options;
    const { signal } = this.#stop;
    const transport = await this.#dial(address, { tls, timeoutMs, maxFrameBytes, signal });
    const link = { address, connection: undefined, peer: undefined, since: this.#clock.now(), adopted: false, leaving: false };
    link.connection = new Connection({
      transport,
      clock: this.#clock,
      service: service ?? callbacks,
      node: this,
      checks: this.#checks,
      onEnd: (error) => this.#lost(link, error),
      onGoaway: (params) => this.#leave(link, params),
      onIdle: () => this.#onIdle?.(),
      onFailed: (error, method) => this.#tell("failed", error, method) || this.#logFailure(`${method}: ${error?.stack ?? error}`),
    });
    this.#connections.add(link);
    try {
      link.peer = await link.connection.introduce(await this.#introduction(), { timeoutMs, signal });
      return link;
    } catch (error) {
      this.#connections.delete(link);
      link.connection.close();
      throw this.#asRefusal(address, error);
    }
  }

  async #introduction() {
    const { name, instance, token, heartbeatMs, maxFrameBytes, service } = this.#options;
    const shown = typeof token === "function" ? await token() : token;
    const limits = { frame_bytes: maxFrameBytes };
    return { name, instance, token: shown, serves: service?.declare() ?? [], heartbeat_ms: heartbeatMs, limits };
  }

  #asRefusal(address, error) {
    if (!(error instanceof WeftError) || PASSING.has(error.code)) return error;
    const whom = this.#options.name ? ` '${this.#options.name}'` : "";
    const message = `the node at ${address} refuses${whom}: ${error.message}`;
    return Object.assign(new WeftError(error.code, message, error.data), { refused: true });
  }

  #adopt(address, link) {
    link.adopted = true;
    this.#connecting = false;
    this.#logged = undefined;
    this.#current = link.connection;
    this.address = address;
    this.peer = link.peer;
    this.#become("connected");
    const served = this.#options.service?.names.join(", ");
    this.#log(served ? `serving ${served} at node ${link.peer.node}` : `connected to node ${link.peer.node}`);
    for (const wake of [...this.#waiting]) wake();
    this.#tell("connected", { address, node: link.peer.node });
  }

  #leave(link, params) {
    if (link.leaving) return;
    link.leaving = true;
    link.connection.retire();
    if (!link.adopted) return;
    this.#tell("draining", params);
    this.#log(`node ${link.peer.node} is draining: ${params.reason ?? "no reason given"}`);
    const others = this.#options.addresses.filter((address) => address !== link.address);
    this.#replace(link, [...others, link.address], others.length > 0);
  }

  #lost(link, error) {
    if (!this.#connections.delete(link) || !link.adopted || this.#over) return;
    this.#tell("disconnected", error);
    this.#log(`the connection to ${link.address} ended: ${error.message}`);
    if (!link.leaving) this.#replace(link, this.#options.addresses, false);
  }

  // Looks for another connection in the place of this one.
  #replace(link, addresses, atOnce) {
    this.#backoff.ended(this.#clock.now() - link.since);
    if (this.#current !== link.connection) return;
    this.#current = undefined;
    // Who leaves the mesh does not come back to it.
    if (this.#connecting || this.#leaving) return;
    this.#become("connecting");
    const begin = () => this.#connect({ waits: true, addresses, atOnce: atOnce && this.#backoff.fresh });
    outside(begin).catch((refusal) => this.#end(refusal));
  }

  // The connection, as soon as there is one within the limits of a call.
  #connected(method, { signal, context, givenMs }, until) {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#notSent(method));
      if (signal?.aborted) return reject(signal.reason);
      let timer;
      const done = (settle) => {
        this.#waiting.delete(wake);
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        leave?.();
        settle();
      };
      const wake = () => done(() => (this.#over ? reject(this.#notSent(method)) : resolve(this.#current)));
      const abort = () => done(() => reject(signal.reason));
      const leave = context?.onAbort((reason) => done(() => reject(reason)));
      this.#waiting.add(wake);
      signal?.addEventListener("abort", abort, { once: true });
      if (until === Infinity) return;
      timer = this.#clock.setTimeout(() => done(() => reject(late(method, givenMs, "no"))), until - this.#clock.now());
    });
  }

  #notSent(method) {
    return unavailable(`${method} not sent: ${this.#over.message}`, "no");
  }

  // What goes with a call, and what bounds it: its own limits, within those of the call being served.
  #members(options, byDefault) {
    const { timeoutMs = byDefault, signal, routeKey } = options;
    const { traceparent, tracestate } = outgoingTrace(options);
    const context = callUnderWay();
    const bound = context ? Math.min(timeoutMs, context.remainingMs) : timeoutMs;
    return { timeoutMs: bound, givenMs: bound, signal, context, traceparent, tracestate, routeKey };
  }

  async #pause(ms, { signal, context }) {
    let timer;
    let end;
    const ended = new Promise((resolve) => {
      end = resolve;
      timer = this.#clock.setTimeout(resolve, ms);
    });
    const leave = context?.onAbort(end);
    signal?.addEventListener("abort", end, { once: true });
    await ended;
    this.#clock.clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    leave?.();
    if (signal?.aborted) throw signal.reason;
    if (context?.aborted) throw context.reason;
  }

  // Resolves when no method is under way any more, or the time for that has passed.
  async #idle() {
    let late = false;
    const timer = this.#clock.setTimeout(() => {
      late = true;
      this.#onIdle?.();
    }, this.#options.drainMs);
    const busy = () => [...this.#connections].some(({ connection }) => connection.underWay > 0);
    while (busy() && !late && !this.#over) await new Promise((resolve) => (this.#onIdle = resolve));
    this.#clock.clearTimeout(timer);
  }

  #end(reason) {
    if (this.#over) return;
    this.#over = reason;
    this.#become("closed");
    this.#current = undefined;
    this.#stop.abort(reason);
    for (const { connection } of [...this.#connections]) connection.close(reason);
    this.#connections.clear();
    for (const wake of [...this.#waiting]) wake();
    this.#close(reason);
    this.#tell("closed", reason);
    // A service that nobody takes any more must not go by unnoticed.
    if (reason.refused && this.#options.service && this.peer) this.#tell("error", reason);
  }

  #become(state) {
    if (this.#state === state || (this.#leaving && state !== "draining" && state !== "closed")) return;
    this.#state = state;
    this.#tell("state", state);
  }

  // What a listener throws is nothing that the connection has to do with.
  #tell(...event) {
    try {
      return this.emit(...event);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  }

  // A caller does not hear what a method failed with, so somebody has to.
  #logFailure(line) {
    (this.#options.log ?? this.#options.logFailures)?.(line);
  }

  #log(line) {
    this.#options.log?.(line);
  }
}

// A Client that has introduced itself to one of the nodes.
export function connect(addresses, options = {}) {
  return new Client(readOptions(addresses, options)).begin({ waits: false });
}

// A Client that serves `service` for everyone in the mesh, from when it resolves until it is closed.
export async function serve(addresses, service, options = {}) {
  checkServe(options);
  const { stopOn: given = [], log = console.error, ...others } = options;
  const stopOn = [given].flat();
  const client = new Client(readOptions(addresses, { name: service.name, log, ...others, service }));
  const drain = () => client.drain();
  for (const name of stopOn) process.once(name, drain);
  client.closed.then(() => stopOn.forEach((name) => process.off(name, drain)));
  return client.begin({ waits: true });
}
