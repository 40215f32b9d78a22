// The test kit: what is served and called in it is the package as it is; only time and the network are not.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { caller, codes, Item, Service, sleep, WeftError } from "../../clients/node/src/index.mjs";
import { FakeMesh } from "../../clients/node/src/testing.mjs";
import { failsWith } from "./support.mjs";

const cleanups = [];

function makeService() {
  const service = new Service("s");
  service.method("s.double", { params: { n: "integer" }, idempotent: true }, ({ n }) => 2 * n);
  service.method("s.slow", { params: ["ms"] }, async ({ ms }) => {
    await sleep(ms);
    return "slept";
  });
  service.method("s.file", async () => (await readFile(new URL(import.meta.url))).length);
  service.method("s.count", { params: { to: "integer" } }, async function* ({ to }) {
    try {
      for (let n = 0; n < to; ++n) yield n;
      return "counted";
    } finally {
      await sleep(100);
      cleanups.push(caller().method);
    }
  });
  service.method("s.total", { input: { type: "number" } }, async function* () {
    for (let total = 0; ; ) {
      try {
        const value = yield total;
        if (value === undefined) return total;
        total += value;
      } catch (error) {
        if (error.code !== 1) throw error;
        total = 0;
      }
    }
  });
  service.method("s.tail", { params: ["to"], resumable: true, idempotent: true }, async function* ({ to }, { after = -1 }) {
    for (let n = after + 1; n < to; ++n) yield new Item(n, n);
  });
  return service;
}

const begin = async (t, options) => {
  const mesh = new FakeMesh();
  t.after(() => mesh.close());
  await mesh.serve(makeService());
  return { mesh, node: await mesh.connect({ name: "me", ...options }) };
};

test("calls, and what they are refused with", async (t) => {
  const { mesh, node } = await begin(t);
  assert.equal(await node.call("s.double", [21]), 42);
  await assert.rejects(node.call("s.double", ["x"]), failsWith(-32602, /^s\.double: 'n' is an integer, not "x"$/));
  await assert.rejects(node.call("nobody.has.it"), failsWith(-32601));
  assert.deepEqual(mesh.calls("s.double"), [[21], ["x"]]);
  const { methods } = await node.call("rpc.discover");
  assert.deepEqual(methods[0], {
    name: "s.double", params: [{ name: "n", required: true, schema: { type: "integer" } }],
    result: { name: "result", schema: {} }, "x-idempotent": true,
  });
});

test("time is virtual", async (t) => {
  const { mesh, node } = await begin(t);
  const began = performance.now();
  assert.equal(await node.call("s.slow", [3_600_000], { timeoutMs: 4_000_000 }), "slept");
  assert.equal(mesh.now(), 3_600_000);
  await assert.rejects(node.call("s.slow", [60_000], { timeoutMs: 1_000 }), failsWith(4));
  assert.equal(mesh.now(), 3_601_000);
  assert.ok(performance.now() - began < 10_000);
});

test("who waits for a file does so in real time", async (t) => {
  const { mesh, node } = await begin(t);
  assert.ok((await node.call("s.file")) > 1000);
  assert.equal(mesh.now(), 0);
});

test("calls fail, are late and get lost on demand", async (t) => {
  const { mesh, node } = await begin(t);
  mesh.fail("s.double", { code: 404, message: "none" }, { times: 1 });
  await assert.rejects(node.call("s.double", [1]), failsWith(404, /none/));
  assert.equal(await node.call("s.double", [1]), 2);
  mesh.delay("s.*", 700);
  const before = mesh.now();
  assert.equal(await node.call("s.double", [1]), 2);
  assert.equal(mesh.now() - before, 700);
  mesh.drop("*");
  await assert.rejects(node.call("s.double", [1], { timeoutMs: 50 }), failsWith(codes.deadlineExceeded));
  mesh.restore();
  assert.equal(await node.call("s.double", [1]), 2);
});

test("a call that did not run is tried again", async (t) => {
  const { mesh, node } = await begin(t);
  const busy = { code: 8, message: "busy", data: { executed: "no", retry_after_ms: 400 } };
  mesh.fail("s.double", busy, { times: 2 });
  assert.equal(await node.call("s.double", [1]), 2);
  assert.ok(mesh.now() >= 800, `waited for ${mesh.now()} ms`);
  mesh.fail("s.double", busy, { times: 3 });
  await assert.rejects(node.call("s.double", [1]), failsWith(8, /busy/));
  mesh.restore();
  mesh.fail("s.double", new WeftError(14, "lost", { executed: "unknown" }), { times: 1 });
  await assert.rejects(node.call("s.double", [1]), failsWith(14, /lost/));
  mesh.fail("s.double", new WeftError(14, "lost", { executed: "unknown" }), { times: 1 });
  assert.equal(await node.call("s.double", [1], { idempotent: true }), 2);
});

test("a connection that is cut comes back, and idempotent calls with it", async (t) => {
  const { mesh, node } = await begin(t);
  mesh.delay("s.double", 1000);
  const [onlyOnce, twice] = [node.call("s.double", [1]), node.call("s.double", [2], { idempotent: true })];
  onlyOnce.catch(() => {});
  await node.call("mesh.health");
  mesh.disconnect("me");
  await assert.rejects(onlyOnce, failsWith(14));
  assert.equal(await twice, 4);
  assert.equal(node.state, "connected");
});

test("streams", async (t) => {
  const { mesh, node } = await begin(t);
  const got = [];
  for await (const n of node.stream("s.count", [1000], { window: 7 })) got.push(n);
  assert.deepEqual(got, Array.from({ length: 1000 }, (_, n) => n));
  assert.deepEqual(await node.call("s.count", [200]), got.slice(0, 200));
  cleanups.length = 0;
  for await (const n of node.stream("s.count", [1e9])) if (n === 10) break;
  assert.deepEqual(cleanups, ["s.count"]);
  const numbers = node.stream("s.count", [2]);
  assert.deepEqual([await numbers.next(), await numbers.next(), await numbers.next(), await numbers.next()], [
    { value: 0, done: false }, { value: 1, done: false }, { value: "counted", done: true }, { value: undefined, done: true },
  ]);
  await assert.rejects(node.stream("s.count", ["x"]).next(), failsWith(-32602));
  await assert.rejects(node.stream("s.double", [1]).next(), failsWith(-32603, /^'s.double' does not stream: .*; call it$/));
  assert.deepEqual(await node.stream("s.count", [1]).return("not begun"), { value: "not begun", done: true });
  assert.equal(mesh.calls("s.count").length, 5);
});

test("what a method gives is checked against its schema", async (t) => {
  const { mesh, node } = await begin(t);
  const lies = new Service("lies");
  const result = { type: "object", properties: { id: { type: "integer" } } };
  lies.method("lies.now", { result }, () => ({ id: "x" }));
  lies.method("lies.later", { result }, async () => ({ id: "x" }));
  lies.method("lies.items", { item: { type: "integer" } }, async function* () {
    yield* [1, "x"];
  });
  await mesh.serve(lies, { log: null });
  for (const name of ["lies.now", "lies.later"]) {
    await assert.rejects(node.call(name), failsWith(-32603, /^lies\..*: 'result.id' is an integer, not "x", as its schema says$/));
  }
  await assert.rejects(node.call("lies.items"), failsWith(-32603, /'item' is an integer, not "x"/));
});

test("values go both ways", async (t) => {
  const { node } = await begin(t);
  const total = node.stream("s.total");
  assert.equal((await total.next()).value, 0);
  assert.equal((await total.next(1)).value, 1);
  assert.equal((await total.next(41)).value, 42);
  assert.equal((await total.throw(new WeftError(1, "begin anew"))).value, 0);
  assert.equal((await total.next(5)).value, 5);
  total.end();
  assert.deepEqual(await total.next(), { value: 5, done: true });
  const wrong = node.stream("s.total");
  await wrong.next();
  await assert.rejects(wrong.next("x"), failsWith(-32602, /^s\.total: 'value' is a number, not "x"$/));
  const thrown = node.stream("s.total");
  await thrown.next();
  await assert.rejects(thrown.throw(new WeftError(2, "enough", [1])), { code: 2, message: "enough", data: [1] });
});

test("a stream goes on behind its cursor when the connection is lost", async (t) => {
  const { mesh, node: me } = await begin(t);
  const patient = await mesh.connect({ name: "patient", retries: 6 });
  for (const [name, node] of [["me", me], ["s", patient]]) {
    const items = [];
    for await (const n of node.stream("s.tail", [300], { resume: true, window: 10 })) {
      items.push(n);
      if (n === 100) mesh.disconnect(name);
    }
    assert.deepEqual(items, Array.from({ length: 300 }, (_, n) => n), name);
  }
  const behind = me.stream("s.tail", [9], { after: 5, cursors: true });
  assert.deepEqual(await behind.next(), { value: new Item(6, 6), done: false });
  assert.equal(behind.cursor, 6);
  await behind.return();
  const lost = me.stream("s.tail", [300]);
  await lost.next();
  mesh.disconnect("me");
  await assert.rejects(async () => {
    for await (const _ of lost);
  }, failsWith(14));
});

test("what a method calls is taken back with it, and ends with its deadline", async (t) => {
  const { mesh, node } = await begin(t);
  const outer = new Service("outer");
  const seen = [];
  outer.method("outer.call", async (_, { node: here }) => {
    try {
      return await here.call("s.slow", [60_000]);
    } catch (error) {
      seen.push([error.code, mesh.now()]);
      throw error;
    }
  });
  await mesh.serve(outer);
  await assert.rejects(node.call("outer.call", [], { timeoutMs: 500 }), failsWith(4));
  const controller = new AbortController();
  const call = node.call("outer.call", [], { signal: controller.signal });
  await node.call("mesh.health");
  controller.abort(new Error("not wanted"));
  await assert.rejects(call, /not wanted/);
  await node.call("mesh.health");
  assert.equal(seen.length, 2);
  assert.equal(seen[0][1], 500);
});

test("drain answers what is under way", async (t) => {
  const mesh = new FakeMesh();
  t.after(() => mesh.close());
  const served = await mesh.serve(makeService());
  const node = await mesh.connect();
  const call = node.call("s.slow", [5000]);
  await node.call("mesh.health");
  const drained = served.drain();
  assert.equal(served.state, "draining");
  assert.equal(await call, "slept");
  await drained;
  assert.equal(served.state, "closed");
  await assert.rejects(node.call("s.double", [1]), failsWith(14, /nobody serves s\.double now/));
});

test("drain does not wait for ever", async (t) => {
  const mesh = new FakeMesh();
  t.after(() => mesh.close());
  const served = await mesh.serve(makeService(), { graceMs: 0, drainMs: 3000 });
  const node = await mesh.connect();
  const endless = node.stream("s.count", [1e9], { window: 1 });
  await endless.next();
  await served.drain();
  assert.equal(Math.round(mesh.now()), 3000);
  await assert.rejects(endless.next(), failsWith(14));
});

test("the deadline of a call holds for all attempts and for what it waits before them", async (t) => {
  const { mesh, node } = await begin(t, { retries: 100 });
  mesh.fail("s.double", { code: 14, message: "later", data: { executed: "no", retry_after_ms: 400 } });
  const before = mesh.now();
  await assert.rejects(node.call("s.double", [1], { timeoutMs: 1000 }), failsWith(14, /later/));
  assert.ok(mesh.now() - before <= 1000, `${mesh.now() - before} ms`);
  mesh.restore();
  mesh.drop("s.double");
  mesh.disconnect("me");
  await once(node, "disconnected");
  const lost = mesh.now();
  await assert.rejects(node.call("s.double", [1], { timeoutMs: 1000 }), failsWith(4, /within 1000 ms/));
  assert.equal(Math.round(mesh.now() - lost), 1000);
  assert.equal(mesh.calls("s.double").at(-1)[0], 1);
});
