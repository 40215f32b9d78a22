// The parts that need no node: frames, ids, schemas, parameters, pauses.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Service, WeftError } from "../../clients/node/src/index.mjs";
import { rawElements, rawId, rawMember } from "../../clients/node/src/ids.mjs";
import { Parameters } from "../../clients/node/src/parameters.mjs";
import { Attempts, Backoff } from "../../clients/node/src/retry.mjs";
import { compile } from "../../clients/node/src/schema.mjs";
import { parseAddress } from "../../clients/node/src/transport.mjs";
import { encode, FrameReader } from "../../clients/node/src/wire.mjs";

const read = (chunks, most = 1 << 20) => {
  const texts = [];
  const reader = new FrameReader(most);
  for (const chunk of chunks) reader.feed(chunk, (text) => texts.push(text));
  return texts;
};

test("frames are read wherever they are cut", () => {
  const texts = ['{"a":"grüße"}', "1", `"${"x".repeat(300)}"`, "[]"];
  const bytes = encode(texts);
  assert.deepEqual(read([bytes]), texts);
  assert.deepEqual(read([...bytes].map((byte) => Buffer.of(byte))), texts);
  for (let cut = 0; cut <= bytes.length; ++cut) {
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), texts, `cut at ${cut}`);
  }
});

test("a frame of no bytes, of a negative number and of too many is refused", () => {
  for (const [length, code] of [[0, -32600], [-1, -32600], [-(2 ** 31), -32600], [11, 8]]) {
    const header = Buffer.alloc(4);
    header.writeInt32BE(length);
    assert.throws(() => read([header], 10), (error) => error instanceof WeftError && error.code === code);
  }
});

test("bytes that are no UTF-8 are no message, and a replacement character is one", () => {
  const broken = Buffer.concat([encode(['"a"']), encode(['"\ufffd"'])]);
  broken[5] = 0xff;
  assert.deepEqual(read([broken]), ["", '"\ufffd"']);
});

test("ids are read as they are written", () => {
  for (const id of ["1", "1.0", "1e2", "18446744073709551616", '"\\u0041"', '"a,}\\""', "null", "-0"]) {
    for (const text of [
      `{"jsonrpc":"2.0","id":${id},"method":"m"}`,
      `{"method":"m","params":{"id":7,"x":["id",{"id":8}]},"id":${id},"jsonrpc":"2.0"}`,
      ` { "\\u0069d" : ${id} , "method" : "m" } `,
    ]) assert.equal(rawId(text, JSON.parse(text).id), id, text);
  }
  assert.equal(rawMember('{"a":"id","b":"}"}', "id"), undefined);
  assert.deepEqual(rawElements(' [ {"a":[1,2]} , "x]" ,3]'), ['{"a":[1,2]}', '"x]"', "3"]);
  assert.deepEqual(rawElements("[]"), []);
});

test("what does not fit a schema is named, with what came and what would be right", () => {
  const schema = {
    type: "object",
    required: ["id"],
    additionalProperties: false,
    properties: {
      id: { type: "integer", minimum: 1, maximum: 9 },
      tags: { type: "array", items: { type: "string", minLength: 1 }, maxItems: 2 },
      kind: { enum: ["a", "b"] },
      at: { anyOf: [{ type: "null" }, { type: "number", exclusiveMinimum: 0 }] },
      where: { type: "object", properties: { city: { type: "string", pattern: "^[A-Z]" } } },
    },
  };
  const check = compile(schema);
  const text = (value) => (({ where, what }) => `${where}: ${what}`)(check(value));
  assert.equal(check({ id: 1, tags: ["x"], kind: "b", at: null, where: { city: "Oslo", more: 1 } }), undefined);
  assert.equal(text([]), ": is an object, not []");
  assert.equal(text({}), "id: is missing, an integer from 1 to 9");
  assert.equal(text({ id: 1.5 }), "id: is an integer from 1 to 9, not 1.5");
  assert.equal(text({ id: 10 }), "id: is an integer from 1 to 9, not 10");
  assert.equal(text({ id: 1, ids: 2 }), "ids: is no member of it; there are id, tags, kind, at, where");
  assert.equal(text({ id: 1, tags: ["a", ""] }), 'tags[1]: is a string of at least 1 characters, not ""');
  assert.equal(text({ id: 1, tags: ["a", "b", "c"] }), "tags: is an array of at most 2 elements, not of 3");
  assert.equal(text({ id: 1, kind: "c" }), 'kind: is one of "a", "b", not "c"');
  assert.equal(text({ id: 1, at: 0 }), "at: is null or a number above 0, not 0");
  assert.equal(text({ id: 1, where: { city: "oslo" } }), 'where.city: is a string that matches ^[A-Z], not "oslo"');
  assert.throws(() => compile({ $ref: "#/x" }), /the keyword '\$ref' of a schema is not checked here/);
  assert.throws(() => compile({ type: "int" }), /'int' is no type of a schema/);
});

test("parameters come by name and by position", () => {
  for (const declared of [
    ["id", "limit?"],
    { id: "any", limit: "any?" },
    { type: "object", required: ["id"], properties: { id: {}, limit: {} } },
  ]) {
    const parameters = new Parameters(declared);
    assert.deepEqual(parameters.read([1, 2], "m"), { id: 1, limit: 2 });
    assert.deepEqual(parameters.read({ limit: 2, id: 1 }, "m"), { id: 1, limit: 2 });
    assert.deepEqual(parameters.read([1], "m"), { id: 1 });
    assert.throws(() => parameters.read(undefined, "m"), /^WeftError: m: 'id' is missing, any value; it takes/);
    assert.throws(() => parameters.read([1, 2, 3], "m"), /3 params came; it takes {"id": any value, "limit"\?: any value}/);
  }
  const typed = new Parameters({ id: "integer", limit: { type: "integer", default: 10 }, tag: "string?" });
  assert.deepEqual(typed.read([1], "m"), { id: 1, limit: 10 });
  assert.throws(() => typed.read([1, 2, null], "m"), { code: -32602, message: "m: 'tag' is a string, not null" });
  assert.throws(() => typed.read({ id: "1" }, "users.get"), /^WeftError: users\.get: 'id' is an integer, not "1"$/);
  assert.throws(() => typed.read({ id: 1, tga: "x" }, "m"), /'tga' is no parameter of it; it takes .*"tag"\?: a string/);
  assert.throws(() => new Parameters([]).read([1], "m"), /1 params came; it takes no params/);
  const open = new Parameters({ type: "object", properties: { id: { type: "integer" } } });
  assert.deepEqual(open.read({ more: 1 }, "m"), { more: 1 });
  assert.deepEqual(typed.describe()[1], { name: "limit", required: false, schema: { type: "integer", default: 10 } });
});

test("a service refuses what cannot be a method", () => {
  const service = new Service("s");
  const run = () => {};
  service.method("s.a", run);
  assert.throws(() => service.method("s.a", run), /method 's.a' is there already/);
  assert.throws(() => service.method("rpc.x", run), /are the node's/);
  assert.throws(() => service.method("s.b", { idempotnt: true }, run), /there is no option 'idempotnt'; there are params/);
  assert.throws(() => service.method("s.b", { idempotent: 1 }, run), /method 's.b': idempotent is true or false, not 1$/);
  for (const most of [0, "5", 1.5, NaN]) {
    assert.throws(() => service.method("s.b", { maxInFlight: most }, run), /method 's.b': maxInFlight is an integer from 1, not/);
  }
  assert.throws(() => service.method("s.b", { params: 1 }, run), /method 's.b': params are a list of names/);
  assert.throws(() => service.method("s.b", {}), /its last argument is its function/);
  assert.throws(() => service.method("s.b", { params: ["a", "a?"] }, run), /each of params needs a name of its own/);
  assert.deepEqual(service.names, ["s.a"]);
  service.method("s.*", run).method("s.long.*", run);
  assert.equal(service.find("s.a").name, "s.a");
  assert.equal(service.find("s.long.x").name, "s.long.*");
  assert.equal(service.find("s.x").name, "s.*");
  assert.equal(service.find("t"), undefined);
});

test("a service says of its methods what the mesh must know", () => {
  const service = new Service("s");
  service.method("s.get", { params: { id: "integer" }, result: { type: "object" }, idempotent: true, maxInFlight: 3 }, () => {});
  service.method("s.all", { item: { type: "integer" }, input: {}, resumable: true }, async function* () {});
  assert.deepEqual(JSON.parse(JSON.stringify(service.declare())), [
    { method: "s.get", idempotent: true, max_in_flight: 3, result: { type: "object" },
      params: [{ name: "id", required: true, schema: { type: "integer" } }] },
    { method: "s.all", stream: true, item: { type: "integer" }, input: {}, resumable: true },
  ]);
  const told = new Service("t").method("t.a", { description: "Does a.", params: ["x", "y?"] }, () => {})
    .method("t.b", { description: "Does b." }, () => {});
  assert.deepEqual(JSON.parse(JSON.stringify(told.declare())), [
    { method: "t.a", params: { type: "object", description: "Does a.", properties: { x: {}, y: {} }, required: ["x"] } },
    { method: "t.b", params: { description: "Does b." } },
  ]);
});

test("tuples", () => {
  const pair = { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], minItems: 2, maxItems: 2 };
  const check = compile(pair);
  assert.equal(check(["a", 1]), undefined);
  assert.deepEqual(check(["a", "b"]), { where: "[1]", what: 'is an integer, not "b"' });
  assert.match(check(["a"]).what, /^is an array of 2 elements, not of 1/);
  assert.equal(compile({ ...pair, minItems: 0 })(["a"]), undefined);
  const closed = compile({ type: "array", prefixItems: pair.prefixItems, items: false });
  assert.match(closed(["a", 1, 2]).what, /not of 3/);
  assert.deepEqual(compile({ prefixItems: [{}], items: { type: "null" } })([1, 2]), { where: "[1]", what: "is null, not 2" });
});

test("addresses", () => {
  assert.deepEqual(parseAddress("localhost:7400"), { host: "localhost", port: 7400, secure: false, byOption: false });
  assert.deepEqual(parseAddress("[::1]:1", true), { host: "::1", port: 1, secure: true, byOption: true });
  assert.deepEqual(parseAddress("tcp://[::1]:1", true), { host: "::1", port: 1, secure: false, byOption: false });
  assert.deepEqual(parseAddress("tls://a:1"), { host: "a", port: 1, secure: true, byOption: false });
  for (const wrong of ["localhost", "localhost:", "localhost:0", "a:65536", "::1:7400", "a b:1", ""]) {
    assert.throws(() => parseAddress(wrong), /is no address; write HOST:PORT/, wrong);
  }
});

test("pauses grow, and a connection that lasted begins anew", () => {
  const backoff = new Backoff({ firstMs: 100, longestMs: 1000, lastedMs: 5000 });
  const within = (low, high) => {
    const pause = backoff.pause();
    assert.ok(pause >= low && pause <= high, `${pause} is not from ${low} to ${high}`);
  };
  within(50, 100);
  within(100, 200);
  backoff.ended(4999);
  within(200, 400);
  within(400, 800);
  within(500, 1000);
  within(500, 1000);
  backoff.ended(5000);
  within(50, 100);
});

test("a call is tried again when it did not run, or may run twice", () => {
  const error = (code, data) => new WeftError(code, "", data);
  const pause = (failure, before, retries, mayRepeat) => {
    const attempts = new Attempts();
    attempts.count = before;
    return attempts.pauseAfter(failure, { retries, mayRepeat, leftMs: 10_000 });
  };
  const tried = (...arguments_) => pause(...arguments_) !== undefined;
  assert.ok(tried(error(14, { executed: "no" }), 0, 2, false));
  assert.ok(!tried(error(14, { executed: "unknown" }), 0, 2, false));
  assert.ok(tried(error(14, { executed: "unknown" }), 0, 2, true));
  assert.ok(tried(error(8, { executed: "no", retry_after_ms: 5 }), 1, 2, false));
  assert.ok(!tried(error(8, { executed: "no" }), 0, 2, false));
  assert.ok(!tried(error(14, { executed: "no" }), 2, 2, false));
  assert.ok(!tried(error(14, { executed: "no", retry_after_ms: 20_000 }), 0, 2, false), "there is no time for it");
  assert.ok(!tried(error(4, { executed: "no" }), 0, 2, true));
  assert.ok(!tried(error(404), 0, 2, true));
  assert.ok(!tried(error(-32601), 0, 2, true), "it was never there");
  assert.ok(!tried(new Error("mine"), 0, 2, true));
  assert.ok(pause(error(8, { executed: "no", retry_after_ms: 5000 }), 0, 2, false) >= 5000, "as long as it was told");
});

test("the smallest client says in one line that there is no node", async (t) => {
  const program = fileURLToPath(new URL("../../examples/node/minimal.mjs", import.meta.url));
  const run = promisify(execFile);
  const server = net.createServer((socket) => socket.on("error", () => {}).resume().end(server.says)).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const address = `127.0.0.1:${server.address().port}`;
  for (server.says of ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\x02{]"]) {
    await assert.rejects(run(process.execPath, [program, address, "foo"]), { code: 1, stdout: "",
      stderr: `${address}: no frame of JSON came; is this the port of a node, without TLS?\n` });
  }
  await assert.rejects(run(process.execPath, [program, address, "foo", "{"]), { code: 64, stdout: "", stderr: /^usage: / });
});
