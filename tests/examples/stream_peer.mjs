// The package for Node.js at either end of streams: does what stream_peer.py does.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Item, Service, WeftError, connect } from "../../clients/node/src/index.mjs";

const began = [];
const opened = [];
const cleanedUp = [];

async function cleanUp(tag) {
  // Who claims to wait for a cleanup must have waited for this.
  await sleep(50);
  cleanedUp.push(tag);
}

const methods = {
  count: async function* ({ to, tag }) {
    opened.push(tag);
    try {
      for (let n = 0; n < to; ++n) yield n;
      return "counted";
    } finally {
      await cleanUp(tag);
    }
  },
  blobs: async function* ({ to, size }) {
    for (let n = 0; n < to; ++n) yield "x".repeat(size);
  },
  total: async function* () {
    for (let sent = 0; ; ) {
      try {
        const value = yield sent;
        if (value === undefined) return;
        sent += value;
      } catch (error) {
        if (error.code !== 1) throw error;
        yield { caught: error.message };
      }
    }
  },
  fail: async function* ({ code }) {
    yield "first";
    throw code ? new WeftError(code, "broken", ["data"]) : new Error("no luck");
  },
  wait: async function* ({ tag }, { signal }) {
    opened.push(tag);
    try {
      yield "waiting";
      await once(signal, "abort");
    } finally {
      await cleanUp(tag);
    }
  },
  state: () => ({ began, cleaned_up: cleanedUp }),
};

async function* tail({ to }, { after }) {
  began.push(after ?? null);
  for (let n = after === undefined ? 0 : after + 1; n < to; ++n) yield new Item(n, n);
}

async function serve(address, name) {
  const service = new Service(name);
  for (const [method, run] of Object.entries(methods)) {
    service.method(`${name}.${method}`, method === "total" ? { input: { type: "number" } } : {}, run);
  }
  service.method("shared.tail", { resumable: true }, tail);
  const node = await connect(address, { service });
  await once(node, "disconnected");
  while (cleanedUp.length < opened.length) await sleep(10);
  console.log(JSON.stringify(cleanedUp));
}

async function take(stream, most) {
  const items = [];
  while (items.length < most) {
    const { value, done } = await stream.next();
    if (done) return { items, ended: true };
    items.push(value);
  }
  return { items };
}

const one = async (step) => {
  const { value, done } = await step;
  return done ? { items: [], ended: true } : { items: [value] };
};

async function call(address) {
  const streams = new Map();
  const node = await connect(address, { name: "caller" });
  const steps = {
    open(key, method, params, { deadline, credit: window, ...options }) {
      streams.set(key, node.stream(method, params, { ...options, window, timeoutMs: deadline && deadline * 1000 }));
      return {};
    },
    take: (key, most) => take(streams.get(key), most),
    async leave(key, method, params, behind) {
      for await (const item of node.stream(method, params)) if (item === behind) break;
      return {};
    },
    send: (key, value) => one(streams.get(key).next(value)),
    throw: (key, code, message) => one(streams.get(key).throw(new WeftError(code, message))),
    close: async (key) => (await streams.get(key).return()) && {},
    call: async (key, method, params) => ({ result: await node.call(method, params) }),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, ...parameters] = JSON.parse(line);
    let done;
    try {
      done = await steps[what](...parameters);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      const { code, message, data } = error;
      done = { error: { code, message, data } };
    }
    console.log(JSON.stringify(done));
  }
  node.close();
}

const [, , what, ...parameters] = process.argv;
await { serve, call }[what](...parameters);
