// What the tests of the package share: a real node, a node spoken by the test, and asking until something is so.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, serve } from "../../clients/node/src/index.mjs";
import { encode, FrameReader } from "../../clients/node/src/wire.mjs";

const PATIENCE_MS = 30_000;

// Clients that a test makes end with it.
export const joined = async (t, addresses, options) => {
  const client = await connect(addresses, options);
  t.after(() => client.close());
  return client;
};

export const serving = async (t, addresses, service, options) => {
  const client = await serve(addresses, service, { log: null, ...options });
  t.after(() => client.close());
  return client;
};

// Asks until it is so; every question to a node waits for its answer.
export async function eventually(isSo, what) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(5)) if (await isSo()) return;
  assert.fail(`it never came to this: ${what}`);
}

export const page = async (node, path) => (await fetch(`http://${node.adminAddress}${path}`)).json();

// An error as it is expected: its code, its message, and what it says was executed.
export const failsWith = (code, message = /./, ...executed) => (error) => {
  assert.equal(error.code, code, error.stack);
  assert.match(error.message, message);
  if (executed.length > 0) assert.equal(error.executed, executed[0]);
  return true;
};

// A port where nobody listens.
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// The node's side of a connection, spoken by the test.
export class Peer {
  #socket;
  #texts = [];
  #waiting = [];

  constructor(socket) {
    this.#socket = socket;
    const frames = new FrameReader(1 << 24);
    socket.on("data", (chunk) => frames.feed(chunk, (text) => this.#push(text)));
    socket.on("error", () => {});
    socket.on("close", () => this.#push(undefined));
  }

  #push(text) {
    if (this.#waiting.length > 0) this.#waiting.shift()(text);
    else this.#texts.push(text);
  }

  // The text of the next message; undefined at the end.
  text() {
    if (this.#texts.length > 0) return Promise.resolve(this.#texts.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async receive() {
    const text = await this.text();
    return text === undefined ? undefined : JSON.parse(text);
  }

  // A message, or its text.
  send(...messages) {
    const texts = messages.map((each) => (typeof each === "string" ? each : JSON.stringify({ jsonrpc: "2.0", ...each })));
    this.#socket.write(encode(texts));
  }

  write(bytes) {
    this.#socket.write(bytes);
  }

  async introduce(answer = {}) {
    const { id, method, params } = await this.receive();
    assert.equal(method, "connect");
    this.send({ id, result: { node: "test", connection: "1", heartbeat_ms: 60_000, limits: {}, ...answer } });
    return params;
  }

  close() {
    this.#socket.destroy();
  }
}

// A listener that gives a Peer for every connection.
export async function listen(t) {
  const server = net.createServer().listen(0, "127.0.0.1");
  const peers = [];
  const waiting = [];
  let count = 0;
  server.on("connection", (socket) => {
    ++count;
    const peer = new Peer(socket);
    t.after(() => peer.close());
    if (waiting.length > 0) waiting.shift()(peer);
    else peers.push(peer);
  });
  await once(server, "listening");
  t.after(() => server.close());
  return {
    address: `127.0.0.1:${server.address().port}`,
    peer: () => (peers.length > 0 ? Promise.resolve(peers.shift()) : new Promise((resolve) => waiting.push(resolve))),
    count: () => count,
    close: () => server.close(),
  };
}
