// What examples/node/weft-client.mjs promises about calls that do not go well.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { RpcError, connect } from "../../examples/node/weft-client.mjs";

const address = process.argv[2];

const failsWith = (code, message = /./) => (error) => {
  assert(error instanceof RpcError, `expected an RpcError, got ${error}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

const tests = {
  "a timeout ends the call": async (node) => {
    const late = node.call("demo.sleep", { ms: 20_000 }, { timeout: 100 });
    await assert.rejects(late, (error) => failsWith(4)(error) && !error.safeToRetry);
  },

  "a refused call is safe to retry": async (node) => {
    const refused = node.call("demo.relay", { to: "nobody", method: "foo" });
    await assert.rejects(refused, (error) => failsWith(14)(error) && error.safeToRetry);
  },

  "an aborted signal cancels its call": async (node) => {
    const controller = new AbortController();
    const sleeping = node.call("demo.sleep", { ms: 20_000 }, { signal: controller.signal });
    await node.call("foo");
    controller.abort(new Error("not wanted"));
    await assert.rejects(sleeping, /not wanted/);
    await assert.rejects(node.call("foo", [], { signal: controller.signal }), /not wanted/);
  },

  "a method is aborted with its caller": async (node, methods) => {
    const controller = new AbortController();
    const aborted = new Promise((resolve) => {
      methods.slow = (_, { signal }) => {
        controller.abort();
        return new Promise(() => signal.addEventListener("abort", () => resolve(signal.reason)));
      };
    });
    await assert.rejects(node.call("demo.callback", { method: "slow" }, { signal: controller.signal }));
    failsWith(-32800)(await aborted);
  },

  "a method may call the node": async (node, methods) => {
    methods.double = async ([number], { connection }) =>
      2 * (await connection.call("demo.sum", { values: [number, number] }));
    assert.equal(await node.call("demo.callback", { method: "double", params: [21] }), 84);
  },

  "a method that fails answers": async (node, methods) => {
    methods.broken = () => {
      throw new Error("no luck");
    };
    methods.noJson = () => 1n;
    await assert.rejects(node.call("demo.callback", { method: "broken" }), failsWith(-32603, /no luck/));
    await assert.rejects(node.call("demo.callback", { method: "noJson" }), failsWith(-32603));
    await assert.rejects(node.call("demo.callback", { method: "toString" }), failsWith(-32601));
  },

  "heartbeats keep a quiet connection": async (node) => {
    // Far beyond the three silent intervals after which either side would hang up.
    await Promise.race([sleep(2000), once(node, "close").then(([reason]) => assert.fail(reason))]);
    assert.equal(await node.call("foo"), "ok");
  },

  "the end of the connection fails its calls": async (node) => {
    const sleeping = node.call("demo.sleep", { ms: 20_000 });
    await node.call("foo");
    node.close();
    await assert.rejects(sleeping, (error) => failsWith(14)(error) && !error.safeToRetry);
    await assert.rejects(node.call("foo"), (error) => failsWith(14)(error) && error.safeToRetry);
  },
};

for (const [name, test] of Object.entries(tests)) {
  const methods = {};
  const node = await connect(address, { name: "test", methods, heartbeat: 500 });
  try {
    await test(node, methods);
  } catch (error) {
    console.error(`${name}:`, error);
    process.exit(1);
  }
  node.close();
}
console.log("passed");
