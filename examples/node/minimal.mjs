#!/usr/bin/env node
// The smallest useful client: one connection, one call.   ./minimal.mjs HOST:PORT METHOD [PARAMS]
import net from "node:net";

const [address = "", method, params = "[]", ...rest] = process.argv.slice(2);
const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
if (!port || !method || rest.length > 0 || parse(params) === undefined) {
  console.error("usage: minimal.mjs HOST:PORT METHOD [PARAMS], which are a JSON array or object");
  process.exit(64);
}
const connection = net.connect(Number(port), host).on("error", (error) => {
  console.error(`${address}: ${error.message}`);
  process.exit(1);
});
const send = (message) => {
  const payload = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const header = Buffer.alloc(4);
  header.writeInt32BE(payload.length);
  connection.write(Buffer.concat([header, payload]));
};
send({ id: 1, method, params: parse(params) });
let received = Buffer.alloc(0);
for await (const chunk of connection) {
  received = Buffer.concat([received, chunk]);
  if (received.length < 4 || received.length < 4 + received.readInt32BE()) continue;
  const answer = parse(received.subarray(4, 4 + received.readInt32BE()));
  if (answer === undefined) break;
  const { result, error } = answer;
  console.log(JSON.stringify(error ?? result));
  process.exit(error ? 1 : 0);
}
console.error(`${address}: no frame of JSON came; is this the port of a node, without TLS?`);
process.exit(1);
