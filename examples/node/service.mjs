#!/usr/bin/env node
// A service: connects to the node at HOST:PORT and serves users.get and users.list over that connection.
//
//     ./service.mjs 127.0.0.1:7400

import { serve, Service, WeftError } from "../../clients/node/src/index.mjs"; // "weft" where it is installed

const users = new Map([[1, "Ada"], [2, "Grace"], [3, "Barbara"]]);
const service = new Service("users");

service.method("users.get", { params: { id: "integer" }, idempotent: true }, ({ id }) => {
  if (!users.has(id)) throw new WeftError(404, `no user ${id}; there are ${[...users.keys()]}`);
  return { id, name: users.get(id) };
});

service.method("users.list", { params: { limit: { type: "integer", minimum: 0, default: 10 } }, idempotent: true }, ({ limit }) =>
  [...users].slice(0, limit).map(([id, name]) => ({ id, name })));

const [address, ...rest] = process.argv.slice(2);
if (!/^.+:\d+$/.test(address) || rest.length > 0) {
  console.error("usage: service.mjs HOST:PORT");
  process.exit(64);
}
try {
  await serve(address, service, { stopOn: ["SIGTERM", "SIGINT"] });
} catch (error) {
  if (!(error instanceof WeftError)) throw error;
  console.error(`service.mjs: ${error.message}`);
  process.exit(1);
}
