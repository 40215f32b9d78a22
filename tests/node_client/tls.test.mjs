// TLS to a listener that speaks the protocol: what is trusted, and that each mistake is one error that says so.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import tls from "node:tls";
import { connect, serve, Service } from "../../clients/node/src/index.mjs";
import { startNode } from "../../clients/node/src/testing.mjs";
import { OF_TLS } from "../../clients/node/src/secure.mjs";
import { encode, FrameReader } from "../../clients/node/src/wire.mjs";
import { Authority } from "./certificates.mjs";
import { eventually, failsWith, joined } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "weft-tls-"));
after(() => rmSync(folder, { recursive: true }));
const HERE = ["DNS:localhost", "IP:127.0.0.1"];
const [ours, other] = [new Authority(folder, "ours"), new Authority(folder, "other")];
const good = ours.sign("good", HERE);
const elsewhere = ours.sign("elsewhere", ["DNS:elsewhere.example"]);
const expired = ours.sign("expired", HERE, -1);
const client = ours.sign("client");
const caFile = ours.cert;

// A node that only echoes, with TLS where it has a certificate: its port.
async function listener(t, identity, options = {}) {
  const echo = (socket) => {
    const frames = new FrameReader(1 << 20);
    socket.on("error", () => {}).on("data", (chunk) => {
      try {
        frames.feed(chunk, (text) => {
          const { id, method, params } = JSON.parse(text);
          const introduced = { node: "tls", connection: "1", heartbeat_ms: 60_000, limits: {} };
          socket.write(encode([JSON.stringify({ jsonrpc: "2.0", id, result: method === "connect" ? introduced : params })]));
        });
      } catch {
        socket.destroy();
      }
    });
    t.after(() => socket.destroy());
  };
  const files = identity && { cert: readFileSync(identity.cert), key: readFileSync(identity.key), ALPNProtocols: ["weft/1"] };
  const server = identity ? tls.createServer({ ...files, ...options }, echo) : net.createServer(echo);
  server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return server.address().port;
}

// The one error, which names the address.
async function refusal(address, options, said) {
  await assert.rejects(connect(address, options), (error) => {
    failsWith(14, said, "no")(error);
    assert.ok(error.message.startsWith(`cannot connect to ${address}: `), error.message);
    return true;
  });
}

test("the right authority, as a file and as a text", async (t) => {
  const port = await listener(t, good);
  for (const host of ["localhost", "127.0.0.1"]) {
    for (const options of [{ caFile }, { ca: readFileSync(caFile) }, { caFile, minVersion: "TLSv1.3" }]) {
      const node = await joined(t, `tls://${host}:${port}`, { tls: options });
      assert.deepEqual(await node.call("demo.echo", ["x".repeat(100_000)]), ["x".repeat(100_000)]);
    }
  }
});

test("an address without a scheme is as the option says", async (t) => {
  const secured = await joined(t, `127.0.0.1:${await listener(t, good)}`, { tls: { caFile } });
  assert.deepEqual(await secured.call("demo.echo", [1]), [1]);
  const plain = await joined(t, `tcp://127.0.0.1:${await listener(t)}`, { tls: { caFile } });
  assert.deepEqual(await plain.call("demo.echo", [1]), [1]);
});

test("a name of its own", async (t) => {
  const address = `tls://127.0.0.1:${await listener(t, elsewhere)}`;
  const node = await joined(t, address, { tls: { caFile, servername: "elsewhere.example" } });
  assert.deepEqual(await node.call("demo.echo", [1]), [1]);
  await refusal(address, { tls: { caFile } }, /certificate is for another name \(.*127\.0\.0\.1.*\); give the name .* as servername/);
});

test("a client certificate", async (t) => {
  const address = `tls://localhost:${await listener(t, good, { requestCert: true, ca: readFileSync(caFile) })}`;
  const node = await joined(t, address, { tls: { caFile, certFile: client.cert, keyFile: client.key } });
  assert.deepEqual(await node.call("demo.echo", [1]), [1]);
  const both = join(folder, "both.pem");
  writeFileSync(both, readFileSync(client.cert) + readFileSync(client.key));
  const again = await joined(t, address, { tls: { caFile, certFile: both } });
  assert.deepEqual(await again.call("demo.echo", [1]), [1]);
  await refusal(address, { tls: { caFile } }, /client certificate/);
});

test("what is not right is said", async (t) => {
  const address = `tls://localhost:${await listener(t, good)}`;
  await refusal(address, { tls: { caFile: other.cert } }, /of an authority that is not trusted here \(.*\); give that authority as ca/);
  await refusal(address, {}, /of an authority that is not trusted here/);
  await refusal(`tls://localhost:${await listener(t, expired)}`, { tls: { caFile } }, /certificate has expired; renew it/);
  await refusal(`tls://localhost:${await listener(t)}`, { tls: { caFile } }, /not speak TLS.* write tcp:/);
  const node = await startNode({ test: t });
  await refusal(`tls://${node.address}`, {}, /not speak TLS.* write tcp:/);
  await refusal(node.address, { tls: true }, /not speak TLS; write tcp:\/\/HOST:PORT, or leave out the option tls, or name/);
  const old = `tls://localhost:${await listener(t, good, { maxVersion: "TLSv1.2" })}`;
  await joined(t, old, { tls: { caFile } });
  await refusal(old, { tls: { caFile, minVersion: "TLSv1.3" } }, /minVersion/);
});

test("TLS behind an address without it", async (t) => {
  const port = await listener(t, good);
  await assert.rejects(connect(`tcp://127.0.0.1:${port}`), failsWith(14, /speaks TLS.*write tls:\/\//, "no"));
});

test("wrong files are wrong options", async () => {
  const nothing = join(folder, "nothing.pem");
  const text = join(folder, "text.pem");
  writeFileSync(text, "no certificate");
  for (const [options, said] of [
    [{ caFile: nothing }, /^tls: caFile: cannot read '.*nothing\.pem': ENOENT$/],
    [{ caFile: text }, /^tls: caFile: '.*text\.pem' holds nothing in PEM form$/],
    [{ keyFile: client.key }, /^tls: a key without its certificate; give cert or certFile, too$/],
    [{ certFile: client.cert, keyFile: good.key }, /^tls: the key is not that of the client certificate/],
    [{ minVersion: "TLSv1" }, /^tls: minVersion is one of TLSv1\.2, TLSv1\.3, not 'TLSv1'$/],
  ]) {
    assert.throws(() => connect("tls://localhost:7400", { tls: options }), (error) => {
      assert.ok(error instanceof TypeError, error.stack);
      assert.match(error.message, said);
      return true;
    });
  }
});

test("a service says why it waits", async (t) => {
  const lines = [];
  const controller = new AbortController();
  const address = `tls://localhost:${await listener(t, expired)}`;
  const options = { tls: { caFile }, log: (line) => lines.push(line), signal: controller.signal, backoff: { firstMs: 10 } };
  const served = serve(address, new Service("waits").method("waits.x", () => 1), options);
  await eventually(() => lines.length >= 1, "it has tried");
  assert.match(lines[0], /^cannot connect to tls:.*certificate has expired/);
  controller.abort(new Error("enough"));
  await assert.rejects(served, /enough/);
});

test("the members of tls are those that are declared", () => {
  const text = readFileSync(new URL("../../clients/node/src/index.d.ts", import.meta.url), "utf8");
  const [, body] = /^export interface TlsOptions \{\n(.*?)^\}/ms.exec(text);
  assert.deepEqual([...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name).sort(), Object.keys(OF_TLS).sort());
});
