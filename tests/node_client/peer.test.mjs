// The package against a node that the test speaks itself: what no real node does, or not when a test wants it.

import assert from "node:assert/strict";
import test from "node:test";
import { once } from "node:events";
import { connect, serve, Service } from "../../clients/node/src/index.mjs";
import { encode } from "../../clients/node/src/wire.mjs";
import { eventually, failsWith, freePort, joined, listen, serving } from "./support.mjs";

const service = () => {
  const made = new Service("s");
  made.method("s.echo", (params) => params ?? null);
  made.method("s.wait", () => new Promise(() => {}));
  made.method("s.count", async function* () {
    for (let n = 0; ; ++n) yield n;
  });
  made.method("s.total", { input: {} }, async function* () {
    for (let value = 0; ; ) value = yield value;
  });
  return made;
};

const begin = async (t, answer, options) => {
  const listener = await listen(t);
  const client = serving(t, listener.address, service(), options);
  const peer = await listener.peer();
  const introduction = await peer.introduce(answer);
  return { listener, peer, introduction, client: await client };
};

test("a service says who it is, what it serves and what it takes", async (t) => {
  const { introduction } = await begin(t, {}, { instance: "s-1", heartbeatMs: 777, maxFrameBytes: 12345 });
  assert.deepEqual(introduction, {
    name: "s", instance: "s-1", heartbeat_ms: 777, limits: { frame_bytes: 12345 },
    serves: [{ method: "s.echo" }, { method: "s.wait" }, { method: "s.count", stream: true },
      { method: "s.total", stream: true, input: {} }],
  });
});

test("what comes in one piece with the answer to connect can use the connection at once", async (t) => {
  const listener = await listen(t);
  const made = service();
  made.method("s.tell", (params, { node }) => node.notify("told", params));
  const client = serving(t, listener.address, made);
  const peer = await listener.peer();
  const { id } = await peer.receive();
  peer.send({ id, result: { node: "test", connection: "1", heartbeat_ms: 60_000, limits: {} } },
    { method: "s.tell", params: [1] }, { id: 1, method: "s.tell", params: [2] }, { id: 2, method: "heartbeat" },
    { id: 3, method: "s.wait" }, { method: "$/cancelRequest", params: { id: 3 } });
  const told = (params) => ({ jsonrpc: "2.0", method: "told", params });
  const answers = [];
  while (answers.length < 5) answers.push(await peer.receive());
  const [cancelled] = answers.filter((each) => each.error);
  assert.deepEqual([cancelled.id, cancelled.error.code], [3, -32800]);
  assert.deepEqual(answers.filter((each) => each.method), [told([1]), told([2])]);
  assert.deepEqual(answers.find((each) => each.id === 1).result, true);
  await client;
});

test("ids come back as they were written, and are told apart so", async (t) => {
  const { peer } = await begin(t);
  for (const id of ["1", "1.0", "1e2", "18446744073709551616", '"\\u0041"', "null", "0", '"1"']) {
    peer.send(`{"jsonrpc":"2.0","id":${id},"method":"s.echo","params":[1]}`);
    assert.equal(await peer.text(), `{"jsonrpc":"2.0","id":${id},"result":[1]}`);
    peer.send(`{"method":"s.wait","id":${id},"jsonrpc":"2.0"}`);
  }
  for (const id of ["1.0", "18446744073709551616", '"\\u0041"', "1"]) {
    peer.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${id}}}`);
    assert.match(await peer.text(), new RegExp(`^\\{"jsonrpc":"2.0","id":${id.replace("\\", "\\\\")},"error":\\{"code":-32800,`));
  }
  peer.send('{"jsonrpc":"2.0","id":"1","method":"s.echo"}');
  assert.match(await peer.text(), /^{"jsonrpc":"2.0","id":"1","error":{"code":-32600,/, "it is still under way");
});

test("malformed messages are refused, and the connection goes on", async (t) => {
  const { peer } = await begin(t);
  const refused = async (text, code, id = null) => {
    peer.send(text);
    const answer = await peer.receive();
    assert.deepEqual([answer.id, answer.error.code], [id, code], text);
  };
  await refused("{", -32700);
  await refused("\ufeff{}", -32700);
  await refused("1", -32600);
  await refused("{}", -32600);
  await refused("[]", -32600);
  await refused('{"jsonrpc":"2.0","id":{},"method":"s.echo"}', -32600);
  await refused('{"jsonrpc":"2.0","id":1,"method":2}', -32600, 1);
  await refused('{"id":1,"method":"s.echo"}', -32600, 1);
  await refused('{"jsonrpc":"2.0","id":1,"method":"s.echo","params":"x"}', -32600, 1);
  await refused('{"jsonrpc":"2.0","id":1,"method":"s.nope"}', -32601, 1);
  await refused('{"jsonrpc":"2.0","id":1,"method":"$/nope"}', -32601, 1);
  await refused('{"jsonrpc":"2.0","id":1,"method":"s.count","stream":{"credit":"x"}}', -32600, 1);
  const broken = encode(['"a"']);
  broken[5] = 0xff;
  peer.write(broken);
  assert.equal((await peer.receive()).error.code, -32700);
  for (const ignored of [
    { method: "$/unknown" }, { method: "s.nope" }, { method: "heartbeat" }, { id: 99, result: 1 },
    { method: "$/cancelRequest", params: { id: 99 } }, { method: "$/cancelRequest" },
    { method: "$/stream/item", params: { id: 9 } }, { method: "$/stream/credit", params: { id: 9 } },
    { id: 99, error: { code: "x" } },
  ]) peer.send(ignored);
  peer.send({ id: 1, method: "s.echo", params: null });
  assert.deepEqual(await peer.receive(), { jsonrpc: "2.0", id: 1, result: null });
});

test("a batch is answered in one frame, in its order", async (t) => {
  const { peer } = await begin(t);
  peer.send('[{"jsonrpc":"2.0","id":1.0,"method":"s.echo","params":["a"]},{"jsonrpc":"2.0","method":"s.echo"},' +
    '{"jsonrpc":"2.0","id":2,"method":"s.nope"},{"jsonrpc":"2.0","id":3,"method":"heartbeat"},7]');
  const [head, id] = ['{"jsonrpc":"2.0"', '"id"'];
  const answers = [`${head},${id}:1.0,"result":\\["a"\\]}`, "{.*-32601.*}", `${head},${id}:3,"result":"ok"}`, "{.*-32600.*}"];
  assert.match(await peer.text(), new RegExp(`^\\[${answers.join(",")}\\]$`));
  peer.send('[{"jsonrpc":"2.0","method":"s.echo"}]', '{"jsonrpc":"2.0","id":4,"method":"heartbeat"}');
  assert.equal(await peer.text(), '{"jsonrpc":"2.0","id":4,"result":"ok"}');
});

test("a frame without a boundary to go on from ends the connection, and the service comes back", async (t) => {
  const { listener, peer } = await begin(t, {}, { maxFrameBytes: 1000 });
  peer.write(Buffer.from([0, 0, 4, 0]));
  const answer = await peer.receive();
  assert.deepEqual([answer.id, answer.error.code], [null, 8]);
  assert.equal(await peer.receive(), undefined);
  const again = await listener.peer();
  await again.introduce();
  again.write(Buffer.from([0, 0, 0, 0]));
  assert.equal((await again.receive()).error.code, -32600);
  await (await listener.peer()).introduce();
});

test("malformed answers end their calls and nothing else", async (t) => {
  const { peer, client } = await begin(t);
  const answered = async (write, code) => {
    const call = client.call("x");
    call.catch(() => {});
    const { id } = await peer.receive();
    peer.send(write(id));
    await assert.rejects(call, failsWith(code));
  };
  await answered((id) => `{"jsonrpc":"2.0","id":${id}}`, 14);
  await answered((id) => `{"jsonrpc":"2.0","id":${id},"result":1,"error":{"code":1,"message":"x"}}`, 14);
  await answered((id) => `{"jsonrpc":"2.0","id":${id},"error":"x"}`, 14);
  await answered((id) => `{"jsonrpc":"2.0","id":${id},"result":`, 14);
  await answered((id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":5,"message":"x"},"result":null}`, 5);
  const call = client.call("x");
  const { id } = await peer.receive();
  peer.send(`{"jsonrpc":"2.0","id":${id},"error":null,"result":7}`);
  assert.equal(await call, 7);
});

test("what is lost with its connection says whether it ran", async (t) => {
  const { listener, peer, client } = await begin(t, { limits: { in_flight: 1 } }, { backoff: { firstMs: 60_000 } });
  const [sent, waiting, again] = [client.call("a"), client.call("b"), client.call("c", [], { timeoutMs: 300 })];
  for (const each of [sent, waiting, again]) each.catch(() => {});
  assert.equal((await peer.receive()).method, "a");
  peer.close();
  await assert.rejects(sent, failsWith(14, /./, "unknown"));
  await assert.rejects(again, failsWith(4, /./, "no"));
  client.close();
  await assert.rejects(waiting, failsWith(14, /./, "no"));
  await assert.rejects(client.call("d"), failsWith(14, /./, "no"));
  listener.close();
});

test("an idempotent call waits for a service that comes back behind its node, and its error tells the most", async (t) => {
  const { listener, peer, client } = await begin(t, {}, { backoff: { firstMs: 1 } });
  const nobody = { code: -32601, message: "method 'x' not found" };
  let at = peer;
  const lost = async () => {
    await at.receive();
    at.close();
    at = await listener.peer();
    await at.introduce();
  };
  const answer = async (answered) => at.send({ id: (await at.receive()).id, ...answered });
  const call = client.call("x", [], { idempotent: true, timeoutMs: 2000 });
  await lost();
  await answer({ error: nobody });
  await answer({ result: "done" });
  assert.equal(await call, "done");
  for (const error of [nobody, { code: 14, message: "nobody", data: { executed: "no" } }]) {
    const options = { idempotent: true, timeoutMs: 1000 };
    for (const begin of [() => client.call("x", [], options), () => client.stream("x", [], options).next()]) {
      const begun = begin();
      begun.catch(() => {});
      await lost();
      await answer({ error });
      await answer({ error });
      await assert.rejects(begun, failsWith(error.code, /./, "unknown"));
    }
  }
  const never = client.call("x", [], { idempotent: true });
  never.catch(() => {});
  await answer({ error: nobody });
  await assert.rejects(never, failsWith(-32601, /./, "no"));
});

test("calls beyond what the node takes at a time wait here", async (t) => {
  const { peer, client } = await begin(t, { limits: { in_flight: 2 } });
  const controller = new AbortController();
  const calls = ["a", "b", "c", "d"].map((name) => client.call(name, [], name === "c" ? { signal: controller.signal } : {}));
  for (const each of calls) each.catch(() => {});
  const [first] = [await peer.receive(), await peer.receive()];
  controller.abort(new Error("not wanted"));
  await assert.rejects(calls[2], /not wanted/);
  peer.send({ id: first.id, result: 1 });
  assert.equal((await peer.receive()).method, "d", "c was taken back before it was sent");
});

test("a message that is too large for the node fails alone", async (t) => {
  const { peer, client } = await begin(t, { limits: { frame_bytes: 1000 } });
  await assert.rejects(client.call("x", ["y".repeat(1000)]), failsWith(8, /takes at most 1000/, "no"));
  peer.send({ id: 1, method: "s.echo", params: ["ü".repeat(490)] });
  assert.equal((await peer.receive()).error.code, 8);
  peer.send({ id: 1, method: "s.echo", params: ["ü".repeat(100)] });
  assert.equal((await peer.receive()).result[0].length, 100);
});

test("heartbeats ask a silent node, and three silent intervals are the end", async (t) => {
  const { listener, peer } = await begin(t, { heartbeat_ms: 50 });
  const { id, method } = await peer.receive();
  assert.equal(method, "heartbeat");
  peer.send({ id, result: "ok" });
  assert.equal((await peer.receive()).method, "heartbeat");
  let text = "";
  while (text !== undefined) text = await peer.text();
  await (await listener.peer()).introduce();
});

test("after goaway new calls go elsewhere, and old ones are answered both ways", async (t) => {
  const [first, second] = [await listen(t), await listen(t)];
  const made = serving(t, [first.address, second.address], service());
  const old = await first.peer();
  await old.introduce();
  const client = await made;
  const before = client.call("before");
  const { id } = await old.receive();
  old.send({ method: "$/goaway", params: { reason: "restart", deadline_ms: 1000, handover_ms: 500 } });
  const next = await second.peer();
  await next.introduce();
  await eventually(() => client.address === second.address, "it has moved");
  const after = client.call("after");
  const asked = await next.receive();
  assert.equal(asked.method, "after");
  next.send({ id: asked.id, result: 2 });
  assert.equal(await after, 2);
  old.send({ id: 9, method: "s.echo", params: ["on its way"] });
  assert.deepEqual((await old.receive()).result, ["on its way"]);
  old.send({ id, result: 1 });
  assert.equal(await before, 1);
  // What it serves may still be called there, so the node closes.
  old.send({ id: 10, method: "s.echo" });
  assert.equal((await old.receive()).id, 10);
});

test("who serves nothing leaves a draining node when its calls are answered", async (t) => {
  const [first, second] = [await listen(t), await listen(t)];
  const made = joined(t, first.address, { addresses: second.address });
  const old = await first.peer();
  await old.introduce();
  const client = await made;
  const before = client.call("before");
  const { id } = await old.receive();
  old.send({ method: "$/goaway", params: {} });
  await (await second.peer()).introduce();
  old.send({ id, result: 1 });
  assert.equal(await before, 1);
  assert.equal(await old.receive(), undefined);
});

test("a refusal rejects, and an unreachable node is waited for by who serves", async (t) => {
  const listener = await listen(t);
  const refused = serve(listener.address, service(), { log: null });
  refused.catch(() => {});
  const peer = await listener.peer();
  const { id } = await peer.receive();
  peer.send({ id, error: { code: 16, message: "nobody has this token" } });
  await assert.rejects(refused, failsWith(16, /refuses 's': nobody has this token/));
  assert.equal(await peer.receive(), undefined);
  const nameless = connect(listener.address);
  nameless.catch(() => {});
  const other = await listener.peer();
  other.send({ id: (await other.receive()).id, error: { code: 16, message: "who are you" } });
  await assert.rejects(nameless, failsWith(16, /^the node at [\d.:]+ refuses: who are you$/));

  const port = await freePort();
  await assert.rejects(connect(`127.0.0.1:${port}`), failsWith(14, /cannot connect to 127.0.0.1:\d+: .*ECONNREFUSED/));
  const controller = new AbortController();
  const waiting = serve(`127.0.0.1:${port}`, service(), {
    signal: controller.signal, backoff: { firstMs: 1, longestMs: 1 },
    log: (line) => controller.abort(new Error(`enough of: ${line}`)),
  });
  await assert.rejects(waiting, /enough of: cannot connect/);
  const closing = serve(listener.address, service(), { log: null, backoff: { firstMs: 1 } });
  const passing = await listener.peer();
  passing.send({ id: (await passing.receive()).id, error: { code: 8, message: "full" } });
  await (await listener.peer()).introduce();
  await (await closing).close();
});

test("a service says once why it waits, until it is for another reason or there was a connection", async (t) => {
  const listener = await listen(t);
  const lines = [];
  const client = serving(t, listener.address, service(), { log: (line) => lines.push(line), backoff: { firstMs: 1, longestMs: 1 } });
  const ends = async () => {
    const peer = await listener.peer();
    await peer.receive();
    peer.close();
  };
  const full = async () => {
    const peer = await listener.peer();
    peer.send({ id: (await peer.receive()).id, error: { code: 8, message: "full" } });
  };
  for (const turn of [ends, ends, ends, full, full]) await turn();
  const peer = await listener.peer();
  await peer.introduce();
  await client;
  peer.close();
  for (const turn of [full, full, ends]) await turn();
  await (await listener.peer()).introduce();
  await eventually(() => lines.length >= 7, "it serves again");
  const said = [/cannot connect to .*closed/, /cannot connect to .*full/, /^serving/, /^the connection to .* ended/,
    /cannot connect to .*full/, /cannot connect to .*closed/, /^serving/];
  assert.equal(lines.length, said.length, lines.join("\n"));
  said.forEach((each, n) => assert.match(lines[n], each));
});

test("a service that is refused later on raises the event error", async (t) => {
  const { listener, peer, client } = await begin(t, {}, { backoff: { firstMs: 1 } });
  const failed = once(client, "error");
  peer.close();
  const again = await listener.peer();
  again.send({ id: (await again.receive()).id, error: { code: 7, message: "not any more" } });
  failsWith(7, /not any more/)((await failed)[0]);
  assert.equal(client.state, "closed");
  await assert.rejects(client.call("x"), failsWith(14, /not any more/));
});

test("the credit of a stream is kept to, in items and in bytes", async (t) => {
  const { peer } = await begin(t);
  const sync = async () => {
    peer.send({ id: "sync", method: "heartbeat" });
    const seen = [];
    for (let each; (each = await peer.receive()).id !== "sync"; ) seen.push(each.params);
    return seen;
  };
  peer.send({ id: 1, method: "s.count", params: [], stream: { credit: 2 } });
  const first = [...(await sync()), ...(await sync())];
  assert.deepEqual(first, [{ id: 1, seq: 0, value: 0 }, { id: 1, seq: 1, value: 1 }]);
  peer.send({ method: "$/stream/credit", params: { id: 1, credit: 9, bytes: 1 } });
  assert.deepEqual([...(await sync()), ...(await sync())], [{ id: 1, seq: 2, value: 2 }]);
  peer.send({ method: "$/stream/credit", params: { id: 1, credit: 0, bytes: 2 } });
  assert.deepEqual([...(await sync()), ...(await sync())].map(({ seq }) => seq), [3, 4]);
  peer.send({ method: "$/cancelRequest", params: { id: 1 } });
  assert.equal((await peer.receive()).error.code, -32800);
});

test("a generator that never waits leaves others their turn", async (t) => {
  const { peer } = await begin(t);
  peer.send({ id: 1, method: "s.count", params: [], stream: { credit: 1_000_000 } });
  assert.equal((await peer.receive()).params.seq, 0);
  peer.send({ id: 2, method: "heartbeat" }, { method: "$/cancelRequest", params: { id: 1 } });
  let items = 1;
  for (let each; (each = await peer.receive()).id !== 1; ) if (each.method) ++items;
  assert.ok(items < 1_000_000, `${items} items came before the cancellation was read`);
});

test("who sends more than was accepted, or out of order, ends its own stream", async (t) => {
  const { peer } = await begin(t);
  const open = async (id) => {
    peer.send({ id, method: "s.total", params: [], stream: { credit: 100 } });
    const { method, params } = await peer.receive();
    assert.equal(method, "$/stream/accept");
    assert.equal((await peer.receive()).method, "$/stream/item");
    return params.credit;
  };
  await open(1);
  peer.send({ method: "$/stream/send", params: { id: 1, seq: 1, value: 1 } });
  assert.equal((await peer.receive()).error.code, -32603);
  const credit = await open(2);
  for (let seq = 0; seq <= credit; ++seq) peer.send({ method: "$/stream/send", params: { id: 2, seq, value: 1 } });
  let answer;
  do answer = await peer.receive();
  while (answer.method !== undefined);
  assert.deepEqual([answer.id, answer.error.code], [2, 8]);
});

test("a node that sends more items than were granted, or not the next one, ends that stream", async (t) => {
  const { peer, client } = await begin(t);
  for (const [seqs, code] of [[[1], -32603], [[0, 1], 8]]) {
    const stream = client.stream("x", [], { window: 1 });
    const taken = (async () => {
      for await (const item of stream) assert.equal(item, 0);
    })();
    const ended = assert.rejects(taken, failsWith(code));
    const { id, stream: granted } = await peer.receive();
    assert.deepEqual(granted, { credit: 1 });
    peer.send(...seqs.map((seq) => ({ method: "$/stream/item", params: { id, seq, value: seq } })));
    await ended;
    let told;
    do told = await peer.receive();
    while (told.method === "$/stream/credit");
    assert.deepEqual([told.method, told.params], ["$/cancelRequest", { id }]);
    peer.send({ id, error: { code: -32800, message: "cancelled" } });
  }
});

test("trace context and route keys travel", async (t) => {
  const made = new Service("s");
  made.method("s.call", (_, { node }) => node.call("inner", []));
  const listener = await listen(t);
  const client = serving(t, listener.address, made);
  const peer = await listener.peer();
  await peer.introduce();
  await client;
  const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b" };
  peer.send({ id: 1, method: "s.call", deadline_ms: 5000, ...trace });
  const inner = await peer.receive();
  assert.deepEqual([inner.traceparent, inner.tracestate], [trace.traceparent, trace.tracestate]);
  assert.ok(inner.deadline_ms > 0 && inner.deadline_ms <= 5000);
  (await client).call("x", [], { ...trace, routeKey: { user: 7 } }).catch(() => {});
  const outer = await peer.receive();
  assert.deepEqual([outer.traceparent, outer.route_key], [trace.traceparent, { user: 7 }]);
  peer.send({ method: "$/cancelRequest", params: { id: 1 } });
  const told = [await peer.receive(), await peer.receive()];
  assert.ok(told.some((each) => each.method === "$/cancelRequest" && each.params.id === inner.id), JSON.stringify(told));
  assert.ok(told.some((each) => each.id === 1 && each.error.code === -32800));
});

test("who drains does not come back, and may be told to before there is a node", async (t) => {
  const { listener, peer, client } = await begin(t, {}, { graceMs: 0, backoff: { firstMs: 1 } });
  const drained = client.drain();
  const { id, method } = await peer.receive();
  assert.equal(method, "mesh.drain");
  peer.send({ id: 5, method: "s.wait" }, { id, result: "ok" });
  peer.send({ id: 6, method: "heartbeat" });
  assert.equal((await peer.receive()).id, 6);
  assert.equal(client.state, "draining", "a method is under way");
  peer.send({ method: "$/goaway", params: {} });
  peer.send({ method: "$/cancelRequest", params: { id: 5 } });
  assert.equal((await peer.receive()).id, 5);
  await drained;
  assert.equal(client.state, "closed");
  assert.equal(listener.count(), 1);
  listener.close();

  const waiting = serve(`127.0.0.1:${await freePort()}`, service(), {
    stopOn: ["SIGUSR2"], backoff: { firstMs: 1, longestMs: 1 },
    log: () => process.kill(process.pid, "SIGUSR2"),
  });
  assert.equal((await waiting).state, "closed");
});

test("a stream that is not resumable refuses a cursor", async (t) => {
  const { peer } = await begin(t);
  peer.send({ id: 1, method: "s.count", stream: { credit: 1, after: 3 } });
  const { error } = await peer.receive();
  assert.equal(error.code, -32602);
  assert.equal(error.message, "s.count: it cannot go on behind a cursor, since it is not resumable; leave out 'after'");
  peer.send({ id: 2, method: "s.count", stream: { credit: 1, after: null } });
  assert.equal((await peer.receive()).params.value, 0);
});

test("what speaks something else is named", async (t) => {
  const listener = await listen(t);
  for (const [says, said] of [["HTTP/1.1 400 Bad Request\r\n", /it speaks HTTP; is this the admin port of a node\?/],
    ["SSH-2.0-x\r\n", /it speaks SSH/], ["\x15\x03\x01\x00\x02\x02\x0a", /it speaks TLS; write tls:/]]) {
    const connecting = connect(listener.address);
    connecting.catch(() => {});
    (await listener.peer()).write(Buffer.from(says, "latin1"));
    await assert.rejects(connecting, failsWith(14, said, "no"));
  }
});

test("options of a call that make no sense are refused", async (t) => {
  const { client } = await begin(t);
  const refused = async (options, why) => {
    await assert.rejects(client.call("x", [], options), (error) => error instanceof TypeError && why.test(error.message));
    assert.throws(() => client.stream("x", [], options), (error) => error instanceof TypeError && why.test(error.message));
  };
  await refused({ timeout: 100 }, /^there is no option 'timeout'; there are timeoutMs, .*; did you mean 'timeoutMs'\?$/);
  await refused({ route_key: "x" }, /did you mean 'routeKey'\?$/);
  await refused({ zzz: 1 }, /^there is no option 'zzz'; there are timeoutMs, [^?]*$/);
  await refused({ timeoutMs: "100" }, /^timeoutMs is a number of milliseconds, not "100"$/);
  await refused({ signal: 1 }, /^signal is an AbortSignal, not 1$/);
  await refused(100, /^options are an object, not 100$/);
  await assert.rejects(client.call("x", [], { window: 1 }), /there is no option 'window'/);
  assert.throws(() => client.stream("x", [], { wndow: 1 }), /did you mean 'window'\?$/);
  assert.throws(() => client.stream("x", [], { window: "1" }), /window is an integer from 1, not "1"/);
});

test("options that make no sense are refused", async () => {
  await assert.rejects(serve("a:1", service(), { stoppOn: ["SIGTERM"] }), /there are .*stopOn; did you mean 'stopOn'\?/);
  await assert.rejects(async () => connect("a:1", { backoff: { first: 1 } }), /backoff: there is no option 'first'/);
  await assert.rejects(async () => connect("nowhere"), /'nowhere' is no address; write HOST:PORT/);
  await assert.rejects(async () => connect([]), /no address/);
  await assert.rejects(async () => connect("a:1", { tokn: 1 }), /there is no option 'tokn'; there are name.*; did you mean 'token'\?/);
  for (const [options, why] of [
    [{ nmae: "x" }, /there is no option 'nmae'; there are name.*; did you mean 'name'\?$/],
    [{ tls: { caFle: "x" } }, /^tls: there is no option 'caFle'; there are caFile, .*; did you mean 'caFile'\?$/],
    [{ tls: { caflie: "x" } }, /did you mean 'caFile'\?$/],
    [{ tls: { toString: "x" } }, /^tls: there is no option 'toString'/],
    [{ tls: { caFile: 1 } }, /^tls: caFile is the path of a file, a string or a URL, not 1$/],
    [{ tls: "ca.pem" }, /^tls is true or an object of options, not "ca.pem"$/],
    [{ name: 1 }, /^name is a string, not 1$/],
    [{ token: Buffer.from("secret") }, /^token is a string or a function that gives one, not of type object$/],
    [{ log: "x" }, /^log is a function that gets lines, or null, not "x"$/],
    [{ backoff: { firstMs: "1" } }, /^backoff: firstMs is a number from 0, not "1"$/],
    [{ retries: NaN }, /^retries is a number from 0, not NaN$/],
    [{ addresses: [1] }, /^addresses is a string or several, not \[1\]$/],
  ]) {
    assert.throws(() => connect("a:1", options), (error) => error instanceof TypeError && why.test(error.message), `${why}`);
  }
  await assert.rejects(serve("a:1", service(), { stopOn: 1 }), /^TypeError: stopOn is a string or several, not 1$/);
  await assert.rejects(async () => connect("a:1", { timeoutMs: -1 }), /timeoutMs is a number from 0, not -1/);
  await assert.rejects(async () => connect("a:1", { service: {} }), /service is a Service/);
});
