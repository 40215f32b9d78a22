// The node of a FakeMesh: sends calls on between the connections within this process, as docs/protocol.md says.

import { codes, late, toWeftError, unavailable, WeftError } from "./errors.mjs";
import { response } from "./messages.mjs";

const DEFAULT_DEADLINE_MS = 30_000;
const CANCEL_GRACE_MS = 500;
const GATHER_WINDOW = 64;
const LIMITS = { frame_bytes: 1 << 20, depth: 64, batch_size: 100, in_flight: 1024, method_name_bytes: 256 };

const matches = (pattern, method) =>
  pattern === method || pattern === "*" || (pattern.endsWith(".*") && method.startsWith(pattern.slice(0, -1)));

const failed = (error) => `"error":${JSON.stringify(toWeftError(error))}`;

// Both ends of a connection; what one sends the other receives in a later microtask.
function transports(clock) {
  const make = () => ({ congested: false, drained: async () => {}, ended: false, onMessage: undefined, onEnd: undefined });
  const ends = [make(), make()];
  ends.forEach((end, index) => {
    const other = ends[1 - index];
    end.send = (text) => {
      if (end.ended) return;
      clock.touch();
      queueMicrotask(() => other.ended || other.onMessage(text));
    };
    end.close = () => {
      if (end.ended) return;
      clock.touch();
      end.ended = true;
      queueMicrotask(() => {
        if (other.ended) return;
        other.ended = true;
        other.onEnd(new Error("the other side closed the connection"));
      });
    };
  });
  return ends;
}

// One connection, as the node sees it.
class Session {
  name = undefined;
  serves = [];
  calls = new Map(); // of this one: id as it is written -> Call
  work = new Map(); // for this one: the node's id -> Call

  constructor(transport) {
    this.transport = transport;
  }

  entry(method) {
    const fitting = this.serves.filter((each) => matches(each.method, method));
    return fitting.sort((a, b) => b.method.length - a.method.length).find((each) => each.method !== "*");
  }
}

export class FakeNode {
  rules = []; // { pattern, times, act }: the first that fits counts
  calls = []; // { method, params } in the order in which they came
  #clock;
  #id;
  #sessions = new Set();
  #known = new Set();
  #ids = 0;
  #turn = 0;

  constructor(clock, id) {
    this.#clock = clock;
    this.#id = id;
  }

  // The client's end of a new connection.
  accept() {
    const [ours, theirs] = transports(this.#clock);
    const session = new Session(ours);
    this.#sessions.add(session);
    ours.onMessage = (text) => this.#receive(session, JSON.parse(text));
    ours.onEnd = () => this.#lose(session);
    return theirs;
  }

  // Cuts the connections that have this name; all of them without one.
  disconnect(name) {
    for (const session of [...this.#sessions]) {
      if (name !== undefined && session.name !== name) continue;
      session.transport.close();
      this.#lose(session);
    }
  }

  #receive(session, message) {
    const { id, method, params } = message;
    if (method === undefined) return this.#answered(session.work.get(id), message);
    if (method.startsWith("$/")) return this.#notified(session, method, params ?? {});
    const own = this.#ownMethods[method];
    if (own) return id !== undefined && session.transport.send(response(JSON.stringify(id), own(session, params ?? {})));
    this.calls.push({ method, params });
    return this.#call(session, message);
  }

  #ownMethods = {
    connect: (session, { name, serves = [] }) => {
      session.name = name;
      session.serves = serves.map((each) => (typeof each === "string" ? { method: each } : each));
      session.serves.forEach((each) => this.#known.add(each.method));
      const answer = { node: this.#id, connection: `${++this.#turn}`, heartbeat_ms: 0, limits: LIMITS };
      return `"result":${JSON.stringify(answer)}`;
    },
    heartbeat: () => '"result":"ok"',
    "mesh.drain": (session) => {
      session.serves = [];
      return '"result":"ok"';
    },
    "mesh.health": () => `"result":${JSON.stringify({ status: "SERVING", node: this.#id })}`,
    "rpc.discover": () => `"result":${JSON.stringify(this.#document())}`,
  };

  #document() {
    const entries = new Map([...this.#sessions].flatMap(({ serves }) => serves.map((each) => [each.method, each])));
    const methods = [...entries.values()].map(({ method, params = [], result = {}, idempotent = false, stream, ...more }) => ({
      name: method, params, result: { name: "result", schema: result }, "x-idempotent": idempotent,
      ...(stream && { "x-stream": { item: more.item ?? {}, input: more.input ?? null, resumable: more.resumable ?? false } }),
    }));
    return { openrpc: "1.3.2", info: { title: `weft node ${this.#id}`, version: "1.0.0" }, methods };
  }

  #call(session, message) {
    const { id, method, stream } = message;
    const call = {
      message, session, id: JSON.stringify(id), at: undefined, callee: undefined, over: false, timer: undefined,
      gathered: undefined, items: 0, until: Infinity, tried: new Set(),
    };
    if (id !== undefined) session.calls.set(call.id, call);
    const deadline = message.deadline_ms ?? (stream ? Infinity : DEFAULT_DEADLINE_MS);
    call.until = this.#clock.now() + deadline;
    if (deadline !== Infinity) {
      call.timer = this.#clock.setTimeout(() => this.#takeBack(call, late(method, deadline, "unknown")), deadline);
    }
    const rule = this.rules.find((each) => each.times > 0 && matches(each.pattern, method));
    if (!rule) return this.#forward(call);
    --rule.times;
    return rule.act({
      goOn: () => this.#forward(call),
      fail: (error) => this.#settle(call, failed(error)),
      after: (ms, run) => this.#clock.setTimeout(run, ms),
    });
  }

  #forward(call) {
    const { message } = call;
    if (call.over) return;
    const instances = [...this.#sessions].filter((each) => each.entry(message.method) && !call.tried.has(each));
    if (instances.length === 0) return this.#settle(call, failed(this.#nobody(message.method)));
    call.callee = instances[this.#turn++ % instances.length];
    call.tried.add(call.callee);
    call.at = ++this.#ids;
    const { stream: streams } = call.callee.entry(message.method);
    const { id, deadline_ms, stream, ...rest } = message;
    const sent = id === undefined ? rest : { jsonrpc: "2.0", id: call.at, ...rest };
    if (streams) sent.stream = stream ?? { credit: GATHER_WINDOW };
    if (streams && !stream) call.gathered = [];
    if (call.until !== Infinity) sent.deadline_ms = call.until - this.#clock.now();
    if (id !== undefined) call.callee.work.set(call.at, call);
    call.callee.transport.send(JSON.stringify(sent));
  }

  #nobody(method) {
    const known = [...this.#known].some((pattern) => matches(pattern, method));
    if (known) return unavailable(`nobody serves ${method} now`, "no");
    return new WeftError(codes.methodNotFound, `method '${method}' not found`);
  }

  #answered(call, { result, error }) {
    if (!call) return;
    const gathered = call.gathered && error === undefined ? call.gathered : result;
    this.#settle(call, error === undefined ? `"result":${JSON.stringify(gathered ?? null)}` : `"error":${JSON.stringify(error)}`);
  }

  #notified(session, method, params) {
    if (method === "$/cancelRequest") {
      const call = session.calls.get(JSON.stringify(params.id));
      if (call) this.#cancel(call);
    } else if (method === "$/stream/item" || method === "$/stream/accept") {
      const call = session.work.get(params.id);
      if (call) this.#ofCallee(call, method, params);
    } else if (method.startsWith("$/stream/")) {
      const call = session.calls.get(JSON.stringify(params.id));
      if (call?.callee) this.#tell(call.callee, method, { ...params, id: call.at });
    }
  }

  #ofCallee(call, method, params) {
    ++call.items;
    if (!call.gathered) return this.#tell(call.session, method, { ...params, id: call.message.id });
    if (method === "$/stream/item") {
      call.gathered.push(params.value);
      this.#tell(call.callee, "$/stream/credit", { id: call.at, credit: 1 });
    }
    return undefined;
  }

  #tell(session, method, params) {
    session.transport.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  #cancel(call) {
    const error = new WeftError(codes.requestCancelled, "cancelled by the caller", { executed: "unknown" });
    if (!call.callee) return this.#settle(call, failed(error));
    this.#tell(call.callee, "$/cancelRequest", { id: call.at });
    this.#clock.clearTimeout(call.timer);
    call.timer = this.#clock.setTimeout(() => this.#settle(call, failed(error)), CANCEL_GRACE_MS);
    return undefined;
  }

  #takeBack(call, error) {
    if (call.callee) this.#tell(call.callee, "$/cancelRequest", { id: call.at });
    this.#settle(call, failed(error));
  }

  #settle(call, members) {
    if (call.over) return;
    call.over = true;
    this.#clock.clearTimeout(call.timer);
    call.callee?.work.delete(call.at);
    if (call.message.id === undefined) return;
    call.session.calls.delete(call.id);
    call.session.transport.send(response(call.id, members));
  }

  #lose(session) {
    if (!this.#sessions.delete(session)) return;
    for (const call of [...session.calls.values()]) this.#takeBack(call, unavailable("the caller is gone", "unknown"));
    for (const call of [...session.work.values()]) {
      const again = session.entry(call.message.method)?.idempotent && call.items === 0;
      if (again) this.#forward(call);
      else this.#settle(call, failed(unavailable(`the connection to '${session.name}' was lost`, "unknown")));
    }
  }
}
