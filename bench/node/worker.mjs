#!/usr/bin/env node
// One Node.js process that calls and answers itself through SYSTEM, and prints calls and items a second as JSON.
//
//     worker.mjs [--modules FOLDER] weft|nats ADDRESS [--seconds S]
//     worker.mjs --modules FOLDER grpc [--seconds S]
//
// Each end has a connection of its own. 64 calls are in flight; 8 streams are read at a time, as far as they come.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, Service } from "../../clients/node/src/index.mjs";

const [IN_FLIGHT, STREAMS, ITEMS] = [64, 8, 1000];
const { values: told, positionals: [system, address] } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "2" }, modules: { type: "string", default: "." } },
});
const load = (name) => createRequire(join(resolve(told.modules), "package.json"))(name);

const get = async ({ id }) => ({ id, name: "Ada" });
async function* count({ to }) {
  for (let id = 0; id < to; ++id) yield { id, name: "Ada" };
}

async function weft() {
  const service = new Service("users").method("users.get", get).method("users.count", count);
  const served = await connect(address, { name: "users", service });
  const node = await connect(address, { name: "caller" });
  return {
    call: (id) => node.call("users.get", { id }),
    stream: (to) => node.stream("users.count", { to }, { window: 256 }),
    end: () => Promise.all([node.close(), served.close()]),
  };
}

// An inbox for each stream, and an empty message at its end: NATS has no flow control.
async function nats() {
  const { connect: dial, createInbox, JSONCodec } = load("nats");
  const [server, client] = [await dial({ servers: address }), await dial({ servers: address })];
  const { encode, decode } = JSONCodec();
  server.subscribe("users.get", {
    callback: async (_, message) => message.respond(encode(await get(decode(message.data)))),
  });
  server.subscribe("users.count", {
    callback: async (_, message) => {
      let sent = 0;
      for await (const item of count(decode(message.data))) {
        server.publish(message.reply, encode(item));
        if (++sent % 64 === 0) await new Promise(setImmediate);
      }
      server.publish(message.reply);
    },
  });
  await server.flush();
  return {
    call: async (id) => decode((await client.request("users.get", encode({ id }), { timeout: 30_000 })).data),
    stream: async function* (to) {
      const inbox = createInbox();
      const items = client.subscribe(inbox);
      client.publish("users.count", encode({ to }), { reply: inbox });
      for await (const { data } of items) {
        if (data.length === 0) return items.unsubscribe();
        yield decode(data);
      }
    },
    end: () => Promise.all([client.close(), server.close()]),
  };
}

async function grpc() {
  const { credentials, Client, Server, ServerCredentials } = load("@grpc/grpc-js");
  const [encode, decode] = [(value) => Buffer.from(JSON.stringify(value)), (bytes) => JSON.parse(bytes)];
  const method = (name, responseStream) => ({
    path: `/users/${name}`, requestStream: false, responseStream,
    requestSerialize: encode, requestDeserialize: decode, responseSerialize: encode, responseDeserialize: decode,
  });
  const server = new Server();
  server.addService({ get: method("get", false), count: method("count", true) }, {
    get: ({ request }, answer) => get(request).then((result) => answer(null, result)),
    count: async (call) => {
      for await (const item of count(call.request)) if (!call.write(item)) await new Promise((go) => call.once("drain", go));
      call.end();
    },
  });
  const port = await new Promise((done, fail) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, found) => (error ? fail(error) : done(found))));
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: (id) => new Promise((done, fail) =>
      client.makeUnaryRequest("/users/get", encode, decode, { id }, (error, result) => (error ? fail(error) : done(result)))),
    stream: (to) => client.makeServerStreamRequest("/users/count", encode, decode, { to }),
    end: () => (client.close(), server.forceShutdown()),
  };
}

// Steps a second of so many workers, and a second of processor time; after half of the time to warm up the compiler.
async function rate(workers, step, seconds) {
  let [done, ending] = [0, false];
  const work = async () => {
    while (!ending) {
      const steps = await step();
      done += steps;
    }
  };
  const all = Array.from({ length: workers }, work);
  await sleep(seconds * 500);
  const [began, worked, before] = [performance.now(), process.cpuUsage(), done];
  await sleep(seconds * 1000);
  const { user, system: kernel } = process.cpuUsage(worked);
  const result = {
    "a second": Math.round((done - before) / ((performance.now() - began) / 1000)),
    "a second of processor": Math.round((done - before) / ((user + kernel) / 1e6)),
  };
  ending = true;
  await Promise.all(all);
  return result;
}

const systems = { weft, nats, grpc };
if (!systems[system]) {
  console.error("usage: worker.mjs [--modules FOLDER] weft|nats ADDRESS|grpc [--seconds S]");
  process.exit(64);
}
const { call, stream, end } = await systems[system]();
const oneCall = async () => {
  assert.equal((await call(7)).id, 7);
  return 1;
};
const oneStream = async () => {
  let last;
  for await (const item of stream(ITEMS)) last = item;
  assert.equal(last.id, ITEMS - 1);
  return ITEMS;
};
const seconds = Number(told.seconds);
console.log(JSON.stringify({ calls: await rate(IN_FLIGHT, oneCall, seconds), items: await rate(STREAMS, oneStream, seconds) }));
await end();
