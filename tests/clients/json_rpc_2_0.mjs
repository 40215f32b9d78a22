// A node as a peer of json-rpc-2.0's JSONRPCServerAndClient: both roles on one connection.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { main, readFrames, writeFrame } from "./framing.mjs";

const require = createRequire(`${process.env.WEFT_CLIENTS_MODULES}/`);
const {
  JSONRPCClient, JSONRPCErrorException, JSONRPCServer, JSONRPCServerAndClient,
} = require("json-rpc-2.0");

const failsWith = (code) => (error) => {
  assert.equal(error.code, code, `expected code ${code}, got ${error}`);
  return true;
};

async function calls(peer) {
  assert.equal(await peer.request("foo"), "ok");
  const params = { text: "grüße", list: [0, -1.5e-7, null, false] };
  assert.deepEqual(await peer.request("demo.echo", params), params);
  assert.equal(await peer.request("demo.sum", { values: [40, 2] }), 42);
}

async function batch(peer) {
  const requests = ["a", "b", 3].map((id) => ({ jsonrpc: "2.0", id, method: "demo.echo", params: [id] }));
  const answers = await peer.requestAdvanced(requests);
  assert.deepEqual(answers.map(({ id, result }) => [id, result]), [["a", ["a"]], ["b", ["b"]], [3, [3]]]);
}

async function errors(peer) {
  await assert.rejects(peer.request("no.such.method"), failsWith(-32601));
  await assert.rejects(peer.request("demo.sum", { values: 3 }), failsWith(-32602));
  await assert.rejects(peer.request("demo.fail", { code: 7, message: "as asked", data: [1] }), (error) => {
    assert(error instanceof JSONRPCErrorException);
    assert.deepEqual([error.message, error.data], ["as asked", [1]]);
    return failsWith(7)(error);
  });
}

async function callFromNode(peer) {
  peer.addMethod("client.shout", ({ text }) => text.toUpperCase());
  const shout = { method: "client.shout", params: { text: "both ways" } };
  assert.equal(await peer.request("demo.callback", shout), "BOTH WAYS");
  const nothing = { method: "client.none", params: {} };
  await assert.rejects(peer.request("demo.callback", nothing), failsWith(-32601));
}

async function cancel(peer) {
  const sleep = { jsonrpc: "2.0", id: "long", method: "demo.sleep", params: { ms: 600_000 } };
  const sleeping = peer.requestAdvanced(sleep);
  peer.notify("$/cancelRequest", { id: "unknown is ignored" });
  assert.equal(await peer.request("foo"), "ok", "a sleeping call holds up another one");
  peer.notify("$/cancelRequest", { id: "long" });
  assert.equal((await sleeping).error.code, -32800);
}

await main(async (socket) => {
  const server = new JSONRPCServer();
  const client = new JSONRPCClient((message) => writeFrame(socket, message));
  const unexpected = [];
  const errorListener = (...what) => unexpected.push(what);
  const peer = new JSONRPCServerAndClient(server, client, { errorListener });
  readFrames(socket, (message) => peer.receiveAndSend(message).catch((error) => unexpected.push(error)));
  socket.on("close", () => peer.rejectAllPendingRequests("the node closed the connection"));
  peer.addMethod("heartbeat", () => "ok");

  const introduction = await peer.request("connect", { name: "json-rpc-2.0" });
  assert(introduction.node && introduction.heartbeat_ms > 0);
  for (const test of [calls, batch, errors, callFromNode, cancel]) await test(peer);
  assert.equal(await peer.request("heartbeat"), "ok");
  assert.deepEqual(unexpected, []);
});
