#!/usr/bin/env node
// Calls a method and prints its result. Can be called back meanwhile: it serves `hello` to the node.
//
//     ./call.mjs 127.0.0.1:7400 demo.echo '["hi"]'
//     ./call.mjs 127.0.0.1:7400 demo.callback '{"method": "hello", "params": ["you"]}'

import { connect, Service } from "../../clients/node/src/index.mjs"; // "weft" where it is installed

const [address, method, params, ...rest] = process.argv.slice(2);
if (!/^.+:\d+$/.test(address) || !method || rest.length > 0) {
  console.error("usage: call.mjs HOST:PORT METHOD [PARAMS]");
  process.exit(64);
}
const callbacks = new Service("call").method("hello", { params: { name: "string" } }, ({ name }) => `hello ${name}`);
try {
  const node = await connect(address, { name: "call", callbacks });
  console.log(JSON.stringify(await node.call(method, params && JSON.parse(params), { timeoutMs: 5000 })));
  await node.close();
} catch (error) {
  console.error(`${method}: ${error.message} (code ${error.code ?? error.name})`);
  process.exit(1);
}
