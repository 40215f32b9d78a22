// The package against real nodes: calls, failover, draining, tokens, TLS.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { caller, connect, serve, Service } from "../../clients/node/src/index.mjs";
import { startNode } from "../../clients/node/src/testing.mjs";
import { eventually, failsWith, freePort, joined, page, serving } from "./support.mjs";

let demo;
before(async () => (demo = await startNode({ demo: true })));
after(() => demo?.kill());

const users = (options = {}) => {
  const service = new Service("users");
  service.method("users.get", { params: { id: "integer" }, idempotent: true, maxInFlight: 3 }, ({ id }) => ({ id, name: "Ada" }));
  service.method("users.wait", async (_, { signal }) => once(signal, "abort"));
  service.method("users.where", { params: [], idempotent: true }, () => options.where);
  return service;
};

test("calls, errors and what they say of the method", async (t) => {
  const node = await joined(t, demo.address, { name: "me" });
  assert.equal(node.state, "connected");
  assert.equal(node.peer.node, demo.id);
  assert.deepEqual(await node.call("demo.echo", { deep: ["grüße", null] }), { deep: ["grüße", null] });
  assert.equal(await node.call("foo"), "ok");
  await assert.rejects(node.call("demo.fail", { code: 5, message: "as asked", data: { a: 1 } }), (error) =>
    failsWith(5, /as asked/)(error) && error.data.a === 1 && error.executed === undefined);
  await assert.rejects(node.call("demo.sleep", { ms: 20_000 }, { timeoutMs: 100 }), failsWith(4, /./, "unknown"));
  await assert.rejects(node.call("nobody.has.it"), failsWith(-32601, /./, "no"));
  await assert.rejects(node.call("demo.relay", { to: "nobody", method: "foo" }), failsWith(14, /./, "no"));
  await assert.rejects(node.call("foo", "text"), /the params of foo are an object or an array/);
});

test("a signal takes its call back", async (t) => {
  const node = await joined(t, demo.address);
  const controller = new AbortController();
  const call = node.call("demo.sleep", { ms: 20_000 }, { signal: controller.signal });
  await node.call("foo");
  controller.abort(new Error("not wanted"));
  await assert.rejects(call, /not wanted/);
  await assert.rejects(node.call("foo", [], { signal: controller.signal }), /not wanted/);
  await assert.rejects(node.call("demo.sleep", { ms: 20_000 }, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  assert.equal(await node.call("foo"), "ok");
});

test("what is called calls back, and its exceptions are answers", async (t) => {
  const callbacks = new Service("callbacks");
  let aborted;
  const toldWhy = new Promise((resolve) => (aborted = resolve));
  callbacks.method("double", async ([n], { node }) => 2 * (await node.call("demo.sum", { values: [n, n] })));
  callbacks.method("broken", () => {
    throw new Error("no luck");
  });
  callbacks.method("noJson", () => 1n);
  callbacks.method("slow", (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => aborted(signal.reason))));
  const node = await joined(t, demo.address, { callbacks });
  const failures = [];
  node.on("failed", (error, method) => failures.push([method, error.message.split(" ")[0]]));
  assert.equal(await node.call("demo.callback", { method: "double", params: [21] }), 84);
  await assert.rejects(node.call("demo.callback", { method: "broken" }), failsWith(-32603, /^internal error in the handler of 'broken'$/));
  await assert.rejects(node.call("demo.callback", { method: "noJson" }), failsWith(-32603));
  await assert.rejects(node.call("demo.callback", { method: "toString" }), failsWith(-32601));
  assert.deepEqual(failures, [["broken", "no"], ["noJson", "Do"]]);
  const controller = new AbortController();
  const call = node.call("demo.callback", { method: "slow" }, { signal: controller.signal });
  await node.call("foo");
  controller.abort(new Error("not wanted"));
  await assert.rejects(call, /not wanted/);
  failsWith(-32800)(await toldWhy);
});

test("a service is known by what it says of itself", async (t) => {
  await serving(t, demo.address, users(), { instance: "users-1" });
  const node = await joined(t, demo.address);
  assert.deepEqual(await node.call("users.get", [7]), { id: 7, name: "Ada" });
  await assert.rejects(node.call("users.get", { id: "x" }), failsWith(-32602, /^users\.get: 'id' is an integer, not "x"$/));
  const { methods } = await node.call("rpc.discover");
  const shown = methods.find(({ name }) => name === "users.get");
  assert.deepEqual([shown.params, shown["x-idempotent"]], [[{ name: "id", required: true, schema: { type: "integer" } }], true]);
  const route = (await page(demo, "/routes")).find(({ method }) => method === "users.get");
  assert.deepEqual(route.instances.map(({ instance, max_in_flight: most }) => [instance, most]), [["users-1", 3]]);
});

test("caller() is the call being served, across awaits", async (t) => {
  const service = new Service("ctx");
  const nested = async () => {
    await sleep(1);
    return caller();
  };
  service.method("ctx.method", async () => (await nested()).method);
  service.method("ctx.left", async () => (await nested()).remainingMs);
  await serving(t, demo.address, service);
  const node = await joined(t, demo.address);
  assert.equal(caller(), undefined);
  assert.equal(await node.call("ctx.method"), "ctx.method");
  const left = await node.call("ctx.left", [], { timeoutMs: 5000 });
  assert.ok(left > 0 && left < 5000, `${left} ms`);
});

test("many calls at once", async (t) => {
  const node = await joined(t, demo.address);
  const answers = await Promise.all(Array.from({ length: 5000 }, (_, n) => node.call("demo.echo", [n])));
  assert.ok(answers.every(([n], index) => n === index));
});

test("a name that is taken is refused", async () => {
  const taken = new Service("s").method("foo", () => 1);
  const refused = serve(demo.address, taken, { log: null });
  await assert.rejects(refused, failsWith(-32602, /refuses 's': 'foo' is a method of the node itself/));
});

test("tokens", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const table = join(folder, "tokens.json");
  const token = (name) => name.padEnd(32, "x");
  const identities = [{ name: "users", token: token("users"), serve: ["users.*"], call: ["users.*"] }];
  writeFileSync(table, JSON.stringify({ identities }), { mode: 0o600 });
  const node = await startNode({ args: ["--auth-tokens-file", table], test: t });
  await assert.rejects(connect(node.address, { token: token("nobody") }), failsWith(16, /nobody has this token/));
  await assert.rejects(serve(node.address, users(), { log: null }), failsWith(16));
  const other = new Service("other").method("other.get", () => 1);
  await assert.rejects(serve(node.address, other, { token: token("users"), log: null }), failsWith(7, /other\.get/));
  await serving(t, node.address, users(), { token: async () => token("users") });
  process.env.WEFT_TOKEN = token("users");
  t.after(() => delete process.env.WEFT_TOKEN);
  const client = await joined(t, node.address);
  assert.deepEqual(await client.call("users.get", [1]), { id: 1, name: "Ada" });
});

test("a node behind TLS", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
  const [host, port] = demo.address.split(":");
  const terminator = tls.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    const plain = net.connect({ host, port: Number(port) });
    socket.pipe(plain).pipe(socket);
    for (const each of [socket, plain]) each.on("error", () => {}).on("close", () => (socket.destroy(), plain.destroy()));
  });
  terminator.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
  await once(terminator, "listening");
  t.after(() => terminator.close());
  const address = `localhost:${terminator.address().port}`;
  const node = await joined(t, address, { tls: { ca: readFileSync(cert) } });
  assert.deepEqual(await node.call("demo.echo", ["x".repeat(100_000)]), ["x".repeat(100_000)]);
  await assert.rejects(connect(address, { tls: {} }), failsWith(14, /self.signed certificate/));
});

test("calls go on at another node when one is killed", async (t) => {
  const [first, second] = [await startNode({ test: t }), await startNode({ test: t })];
  await serving(t, first.address, users({ where: "first" }));
  await serving(t, second.address, users({ where: "second" }));
  const node = await joined(t, [first.address, second.address], { backoff: { firstMs: 20 } });
  const states = [];
  for (const name of ["connected", "disconnected", "state"]) node.on(name, (what) => states.push([name, what]));
  assert.equal(await node.call("users.where"), "first");
  const waiting = node.call("users.wait", [], { timeoutMs: 20_000 });
  waiting.catch(() => {});
  await node.call("users.where");
  first.kill();
  await assert.rejects(waiting, failsWith(14, /./, "unknown"));
  assert.equal(await node.call("users.where", [], { idempotent: true }), "second");
  assert.deepEqual(states.map(([name, what]) => (what instanceof Error ? name : `${name} ${what.address ?? what}`)),
    ["disconnected", "state connecting", "state connected", `connected ${second.address}`]);
});

test("a node that drains costs no call, and its services move", async (t) => {
  const port = await freePort();
  const peer = ["--id", "a", "--peer", `b=127.0.0.1:${port}`];
  const [first, second] = await Promise.all([
    startNode({ test: t, args: peer }),
    startNode({ test: t, args: ["--listen", `127.0.0.1:${port}`, "--id", "b"] }),
  ]);
  const served = await serving(t, [first.address, second.address], users({ where: "here" }));
  const node = await joined(t, [first.address, second.address]);
  const other = await joined(t, second.address);
  await eventually(() => other.call("users.where").then(() => true, () => false), "the other node knows it");
  const failures = [];
  let done = 0;
  let running = true;
  const load = Promise.all(Array.from({ length: 8 }, async () => {
    while (running) await node.call("users.where", [], { timeoutMs: 10_000 }).then(() => ++done, (error) => failures.push(error));
  }));
  await eventually(() => done > 100, "calls are answered");
  const moved = Promise.all([once(node, "connected"), once(served, "connected")]);
  const status = first.stop();
  await moved;
  assert.equal(await status, 0);
  const sofar = done;
  await eventually(() => done > sofar + 100, "calls are answered at the other node");
  running = false;
  await load;
  assert.deepEqual(failures, []);
  assert.equal(node.address, second.address);
});

test("drain takes leave without losing a call", async (t) => {
  const node = await joined(t, demo.address);
  const first = await serving(t, demo.address, users({ where: 1 }), { instance: "1" });
  const second = await serving(t, demo.address, users({ where: 1 }), { instance: "2" });
  const calls = Array.from({ length: 200 }, () => node.call("users.where"));
  await first.drain();
  assert.equal(first.state, "closed");
  assert.equal((await Promise.all(calls)).length, 200);
  assert.equal((await node.call("users.get", { id: 1 })).id, 1);
  await second.close();
});

test("a resumed stream survives the node that it came through", async (t) => {
  const [first, second] = [await startNode({ test: t, demo: true }), await startNode({ test: t, demo: true })];
  const node = await joined(t, [first.address, second.address], { backoff: { firstMs: 20 } });
  const got = [];
  for await (const n of node.stream("demo.count", { to: 2000 }, { resume: true, window: 16 })) {
    got.push(n);
    if (n === 500) first.kill();
  }
  assert.deepEqual(got, Array.from({ length: 2001 }, (_, n) => n));
});

test("signals of the process drain a service", async (t) => {
  const service = await serving(t, demo.address, users(), { stopOn: ["SIGUSR2"], graceMs: 0 });
  process.kill(process.pid, "SIGUSR2");
  await service.closed;
  assert.equal(service.state, "closed");
  assert.equal(process.listenerCount("SIGUSR2"), 0);
});
