// A node as a peer of vscode-jsonrpc, the library under the Language Server Protocol.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { main, readFrames, writeFrame } from "./framing.mjs";

const require = createRequire(`${process.env.WEFT_CLIENTS_MODULES}/`);
const {
  AbstractMessageReader, AbstractMessageWriter, CancellationTokenSource, ErrorCodes, ResponseError,
  createMessageConnection,
} = require("vscode-jsonrpc/node");

class FrameReader extends AbstractMessageReader {
  constructor(socket) {
    super();
    this.socket = socket;
  }
  listen(callback) {
    readFrames(this.socket, callback);
    this.socket.on("error", (error) => this.fireError(error));
    this.socket.on("close", () => this.fireClose());
    return { dispose() {} };
  }
}

class FrameWriter extends AbstractMessageWriter {
  constructor(socket) {
    super();
    this.socket = socket;
  }
  async write(message) {
    writeFrame(this.socket, message);
  }
  end() {
    this.socket.end();
  }
}

const failsWith = (code, message = /./) => (error) => {
  assert(error instanceof ResponseError, `expected an error answer, got ${error}`);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

async function calls(connection) {
  assert.equal(await connection.sendRequest("foo"), "ok");
  const params = { text: "grüße \u0000 \u{1f980}", list: [1, -2.5, null, true, { deep: [] }] };
  assert.deepEqual(await connection.sendRequest("demo.echo", params), params);
  assert.equal(await connection.sendRequest("demo.sum", { values: [1, 2, 39] }), 42);
  const all = Array.from({ length: 500 }, (_, number) => ({ number }));
  assert.deepEqual(await Promise.all(all.map((one) => connection.sendRequest("demo.echo", one))), all);
}

async function errors(connection) {
  await assert.rejects(connection.sendRequest("no.such.method"), failsWith(ErrorCodes.MethodNotFound));
  const wrong = { values: "no array" };
  await assert.rejects(connection.sendRequest("demo.sum", wrong), failsWith(ErrorCodes.InvalidParams));
  const failure = { code: 1234, message: "as asked", data: { why: ["x"] } };
  await assert.rejects(connection.sendRequest("demo.fail", failure), (error) => {
    assert.deepEqual(error.data, failure.data);
    return failsWith(1234, /as asked/)(error);
  });
}

async function callFromNode(connection) {
  connection.onRequest("client.add", (a, b) => a + b);
  connection.onRequest("client.fail", () => new ResponseError(77, "the client's error", { from: "client" }));
  assert.equal(await connection.sendRequest("demo.callback", { method: "client.add", params: [20, 22] }), 42);
  const failing = connection.sendRequest("demo.callback", { method: "client.fail", params: [] });
  await assert.rejects(failing, failsWith(77, /the client's error/));
}

async function cancel(connection) {
  const source = new CancellationTokenSource();
  const sleeping = connection.sendRequest("demo.sleep", { ms: 600_000 }, source.token);
  assert.equal(await connection.sendRequest("foo"), "ok", "a sleeping call holds up another one");
  source.cancel();
  await assert.rejects(sleeping, failsWith(-32800));
}

async function notifications(connection) {
  await connection.sendNotification("no.such.notification", { is: "ignored" });
  await connection.sendNotification("demo.echo", ["never answered"]);
  assert.equal(await connection.sendRequest("foo"), "ok");
}

await main(async (socket) => {
  const connection = createMessageConnection(new FrameReader(socket), new FrameWriter(socket));
  let unexpected;
  connection.onError((error) => (unexpected ??= error));
  connection.onUnhandledNotification((message) => (unexpected ??= new Error(JSON.stringify(message))));
  connection.onRequest("heartbeat", () => "ok");
  connection.listen();
  const introduction = await connection.sendRequest("connect", { name: "vscode-jsonrpc" });
  assert(introduction.node && introduction.heartbeat_ms > 0);
  for (const test of [calls, errors, callFromNode, cancel, notifications]) await test(connection);
  assert.equal(await connection.sendRequest("heartbeat"), "ok");
  assert.equal(unexpected, undefined);
});
