#!/usr/bin/env node
// The package for Node.js as the conformance suite wants it: ../../README.md says what each method does.
//
//     ./adapter.mjs HOST:PORT [OTHER]

import { once } from "node:events";
import { Item, outside, serve, Service, WeftError } from "../../../node/src/index.mjs";

const addresses = process.argv.slice(2);
const notes = [];
const outcomes = new Map();
let waiting = 0;
let cleaned = 0;

async function untilTakenBack(signal) {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
}

function begin() {
  ++waiting;
}

function end() {
  --waiting;
  ++cleaned;
}

const members = ({ code, message, data }) => ({ code, message, ...(data === undefined ? {} : { data }) });

// What came of it, as a value.
async function outcome(run) {
  try {
    return { result: await run() };
  } catch (error) {
    return { error: members(error) };
  }
}

const call = (node, { method, params, timeout_ms: timeoutMs, route_key: routeKey }) =>
  outcome(() => node.call(method, params, { timeoutMs, routeKey }));

async function take(stream, most, items) {
  for (let left = most; left > 0; --left) {
    const { value, done } = await stream.next();
    if (done) return true;
    items.push(value);
  }
  return false;
}

async function step(stream, [what, ...values], items) {
  const one = ({ value, done }) => {
    if (!done) items.push(value);
    return done;
  };
  if (what === "take") return take(stream, values[0], items);
  if (what === "send") return one(await stream.next(values[0]));
  if (what === "throw") return one(await stream.throw(new WeftError(...values)));
  if (what === "end") {
    stream.end();
    return take(stream, Infinity, items);
  }
  if (what === "close") {
    stream.return().catch(() => {});
    return false;
  }
  if (what === "closed") {
    await stream.return();
    return false;
  }
  throw new WeftError(-32602, `there is no step '${what}'`);
}

async function read(node, { method, params, window, steps = [["take", Infinity]], after, timeout_ms: timeoutMs }) {
  const stream = node.stream(method, params, { window, after, timeoutMs });
  const items = [];
  let ended = false;
  try {
    for (const each of steps) ended = (await step(stream, each, items)) || ended;
    return { items, ended };
  } catch (error) {
    return { items, ended: false, error: members(error) };
  }
}

const service = new Service("conformance");
const method = (name, options, run) => service.method(`conformance.${name}`, options, run);

method("echo", { params: ["value"] }, ({ value }) => value);
method("fail", { params: { code: "integer", message: "string", data: "any?" } }, ({ code, message, data }) => {
  throw new WeftError(code, message, data);
});
method("crash", { params: [] }, () => undefined.nothing);
method("wait", {}, (_, { signal }) => {
  begin();
  return untilTakenBack(signal).finally(end);
});
method("note", { params: ["value"] }, ({ value }) => void notes.push(value));
method("state", {}, () => ({ notes, waiting, cleaned }));
method("count", { params: { to: "integer", fail: "integer?" }, resumable: true, item: { type: "integer" } },
  async function* ({ to, fail }, { after = -1 }) {
    for (let n = after + 1; n < to; ++n) yield new Item(n, n);
    if (fail !== undefined) throw new WeftError(fail, "as it was asked to");
  });
method("total", { input: { type: "integer" }, item: {} }, async function* () {
  for (let total = 0, next = 0; ; ) {
    try {
      const value = yield next;
      if (value === undefined) return;
      next = total += value;
    } catch (error) {
      if (error.code !== 1) throw error;
      next = { caught: error.message };
    }
  }
});
method("hold", {}, async function* (_, { signal }) {
  begin();
  try {
    yield 0;
    await untilTakenBack(signal);
  } finally {
    end();
  }
});
method("call", {}, (params, { node }) => call(node, params));
method("begin", {}, ({ key, ...params }, { node }) => void outcomes.set(key, outside(() => call(node, params))));
method("outcome", { params: ["key"] }, ({ key }) => outcomes.get(key));
method("notify", {}, ({ method: name, params }, { node }) => void node.notify(name, params));
method("stream", {}, (params, { node }) => read(node, params));

await serve(addresses, service, { heartbeatMs: 1000, retries: 0, backoff: { firstMs: 50, longestMs: 500 }, log: null });
