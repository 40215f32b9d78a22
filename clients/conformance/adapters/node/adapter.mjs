// The adapter of the conformance suite for the package clients/node; ../../README.md says what its methods do.
//
//     adapter.mjs HOST:PORT [OTHER]

import { AsyncResource } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { codes, Item, serve, Service, WeftError } from "../../../node/src/index.mjs";

const CAUGHT = 1;
const service = new Service("conformance");
const notes = [];
const begun = new Map();
let waiting = 0;
let cleaned = 0;

// Runs a function apart from the call that is being served.
const outside = AsyncResource.bind((run) => run());

const serves = (name, ...rest) => service.method(`conformance.${name}`, ...rest);
const aborted = (signal) =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

// A cleanup that takes a moment, so that whoever does not wait for it is seen not to.
async function cleanUp() {
  await sleep(20);
  --waiting;
  ++cleaned;
}

async function outcomeOf(node, method, params, options) {
  try {
    return { result: await node.call(method, params, options) };
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return { error };
  }
}

serves("echo", { params: ["value"] }, ({ value }) => value);
serves("fail", { params: ["code", "message", "data?"] }, ({ code, message, data }) => {
  throw new WeftError(code, message, data);
});
serves("crash", { params: [] }, () => undefined.anything);
serves("wait", { params: [] }, async (_, { signal }) => {
  ++waiting;
  try {
    await aborted(signal);
  } finally {
    await cleanUp();
  }
});
serves("note", { params: ["value"] }, ({ value }) => void notes.push(value));
serves("state", { params: [] }, () => ({ notes, waiting, cleaned }));

serves("count", { params: { to: "integer", fail: "integer?" }, resumable: true }, async function* ({ to, fail }, { after = -1 }) {
  for (let n = after + 1; n < to; ++n) yield new Item(n, n);
  if (fail !== undefined) throw new WeftError(fail, "as asked");
});
serves("total", { params: [], input: { type: "integer" } }, async function* () {
  let sum = 0;
  for (let shown = 0; ; ) {
    try {
      const value = yield shown;
      if (value === undefined) return;
      shown = sum += value;
    } catch (error) {
      if (error.code !== CAUGHT) throw error;
      shown = { caught: error.message };
    }
  }
});
serves("hold", { params: [], item: { type: "integer" } }, async function* (_, { signal }) {
  ++waiting;
  try {
    yield 0;
    await aborted(signal);
  } finally {
    await cleanUp();
  }
});

serves("call", { params: ["method", "params?", "timeout_ms?", "route_key?"] },
  ({ method, params, timeout_ms: timeoutMs, route_key: routeKey }, { node }) =>
    outcomeOf(node, method, params, { timeoutMs, routeKey }));
serves("begin", { params: ["key", "method", "params?", "timeout_ms?", "route_key?"] },
  ({ key, method, params, timeout_ms: timeoutMs, route_key: routeKey }, { node }) => {
    begun.set(key, outside(() => outcomeOf(node, method, params, { timeoutMs, routeKey })));
  });
serves("outcome", { params: ["key"] }, ({ key }) => begun.get(key));
serves("notify", { params: ["method", "params"] }, ({ method, params }, { node }) => void node.notify(method, params));

serves("leave", { params: [] }, (_, { node }) => void node.drain());

// Takes a step; false when the stream has ended.
async function step(stream, [kind, ...values], items) {
  const take = (next) => !next.done && items.push(next.value) > 0;
  if (kind === "send") return take(await stream.next(values[0]));
  if (kind === "throw") return take(await stream.throw(new WeftError(...values)));
  if (kind === "end") stream.end();
  const most = kind === "take" ? values[0] : Infinity;
  for (let n = 0; n < most; ++n) if (!take(await stream.next())) return false;
  return true;
}

serves("stream", { params: ["method", "params?", "window?", "steps?", "after?", "timeout_ms?"] },
  async ({ method, params, window, steps = [["take", Infinity]], after, timeout_ms: timeoutMs }, { node }) => {
    const stream = node.stream(method, params, { window, after, timeoutMs });
    const items = [];
    try {
      for (const each of steps) {
        if (each[0].startsWith("close")) await stream.return();
        else if (!(await step(stream, each, items))) return { items, ended: true };
      }
      return { items, ended: false };
    } catch (error) {
      if (!(error instanceof WeftError) || error.code === codes.requestCancelled) throw error;
      return { items, ended: false, error };
    } finally {
      await stream.return();
    }
  });

const addresses = process.argv.slice(2);
if (addresses.length === 0) {
  console.error(`usage: ${process.argv[1]} HOST:PORT [OTHER]`);
  process.exit(64);
}
await serve(addresses, service, { instance: "node", heartbeatMs: 5000 });
