#!/usr/bin/env node
// A service: connects to the node at HOST:PORT and serves users.get and users.list over that connection.
//
//     ./service.mjs 127.0.0.1:7400

import { RpcError, serve } from "./weft-client.mjs";

const users = new Map([[1, "Ada"], [2, "Grace"], [3, "Barbara"]]);

const methods = {
  "users.get": ({ id }) => {
    if (!users.has(id)) throw new RpcError(404, `no user ${id}; there are ${[...users.keys()]}`);
    return { id, name: users.get(id) };
  },
  "users.list": ({ limit = 10 } = {}) => [...users].slice(0, limit).map(([id, name]) => ({ id, name })),
};

const [address, ...rest] = process.argv.slice(2);
if (!/^.+:\d+$/.test(address) || rest.length > 0) {
  console.error("usage: service.mjs HOST:PORT");
  process.exit(64);
}
await serve(address, { name: "users", methods });
