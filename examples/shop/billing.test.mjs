// Billing in a mesh within the process: what it charges, what it refuses, and what its callers make of a charge that may
// have run.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { FakeMesh } from "../../clients/node/src/testing.mjs"; // "weft/testing" where it is installed
import { billing } from "./billing_service.mjs";

async function begin(t) {
  const folder = mkdtempSync(join(tmpdir(), "billing-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const mesh = new FakeMesh();
  const ledger = join(folder, "ledger");
  await mesh.serve(billing("billing-1", ledger));
  const charged = () => readFileSync(ledger, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return { mesh, charged, node: await mesh.connect({ name: "orders" }) };
}

test("a key is charged once, and answered with the same receipt again", async (t) => {
  const { node, charged } = await begin(t);
  const order = { key: "a", user: 3, amount_cents: 250 };
  const receipt = { receipt: "billing-1/1", key: "a", amount_cents: 250 };
  assert.deepEqual(await node.call("billing.charge", order), receipt);
  assert.deepEqual(await node.call("billing.charge", order), receipt);
  assert.equal((await node.call("billing.charge", { ...order, key: "b" })).receipt, "billing-1/2");
  assert.deepEqual(charged().map(({ key, repeated }) => [key, repeated]), [["a", false], ["a", true], ["b", false]]);
});

test("what is no charge is refused, and nothing is charged", async (t) => {
  const { node, charged } = await begin(t);
  for (const [params, message] of [
    [{ key: "a", user: 3, amount_cents: -1 }, "billing.charge: 'amount_cents' is an integer from 0, not -1"],
    [{ key: "a", user: "3", amount_cents: 1 }, "billing.charge: 'user' is an integer, not \"3\""],
  ]) await assert.rejects(node.call("billing.charge", params), { code: -32602, message });
  await assert.rejects(node.call("billing.charge", {}), { code: -32602, executed: "no" });
  assert.throws(charged, { code: "ENOENT" });
});

test("a charge that did not run is made again, one that may have run is not", async (t) => {
  const { mesh, node, charged } = await begin(t);
  const order = { key: "a", user: 3, amount_cents: 250 };
  mesh.fail("billing.*", { code: 14, message: "no room", data: { executed: "no" } }, { times: 1 });
  assert.equal((await node.call("billing.charge", order)).key, "a");
  mesh.fail("billing.*", { code: 14, message: "lost", data: { executed: "unknown" } }, { times: 1 });
  await assert.rejects(node.call("billing.charge", { ...order, key: "b" }), { code: 14, executed: "unknown" });
  assert.deepEqual(charged().map(({ key }) => key), ["a"]);
});
