#!/usr/bin/env node
// The billing service: serves billing.charge over a connection to the first NODE that answers, until SIGTERM.
//
//     ./billing.mjs billing-1 LEDGER 127.0.0.1:7401 127.0.0.1:7402
//
// A charge is not idempotent: the mesh never sends it a second time unless the first certainly did not run. The
// file LEDGER gets one JSON line for every charge that ran, so that the books can be compared with the orders.

import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, RpcError } from "../node/weft-client.mjs";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5000;
// Calls that were sent on before every node knew that this instance leaves.
const LAST_CALLS_MS = 500;
const INVALID_PARAMS = -32602;

const [instance, ledger, ...nodes] = process.argv.slice(2);
if (nodes.length === 0) {
  console.error("usage: billing.mjs INSTANCE LEDGER NODE…   (NODE is HOST:PORT, the nearest first)");
  process.exit(64);
}

const receipts = new Map(); // request key -> receipt

function charge(params) {
  const { key, user, amount_cents: amount } = params ?? {};
  if (typeof key !== "string" || !Number.isInteger(user) || !Number.isInteger(amount) || amount < 0) {
    const takes = '{"key": string, "user": integer, "amount_cents": integer from 0}';
    throw new RpcError(INVALID_PARAMS, `billing.charge takes ${takes}`);
  }
  const repeated = receipts.has(key);
  appendFileSync(ledger, JSON.stringify({ key, user, amount_cents: amount, instance, repeated }) + "\n");
  if (!repeated) receipts.set(key, { receipt: `${instance}/${receipts.size + 1}`, key, amount_cents: amount });
  return receipts.get(key);
}

// What the mesh must know for retries and for rpc.discover.
const serves = [{
  method: "billing.charge",
  idempotent: false,
  params: {
    type: "object",
    required: ["key", "user", "amount_cents"],
    properties: { key: { type: "string" }, user: { type: "integer" }, amount_cents: { type: "integer", minimum: 0 } },
  },
  result: { type: "object", required: ["receipt", "key", "amount_cents"] },
}];

let current;

async function serveAt(address) {
  const methods = { "billing.charge": charge };
  const connection = await connect(address, { name: "billing", instance, methods, serves });
  current = connection;
  console.log(`ready service=billing instance=${instance} node=${connection.node.node}`);
  if (!connection.closed) await once(connection, "close");
}

// A node that sends $/goaway accepts no connection any more, so the next one takes its place at once.
async function serveSomewhere() {
  for (const address of nodes) {
    try {
      await serveAt(address);
      return true;
    } catch (error) {
      console.error(`${instance}: no connection to ${address}: ${error.message}`);
    }
  }
  return false;
}

async function leave() {
  try {
    await current?.call("mesh.drain", undefined, { timeout: 2000 });
    await sleep(LAST_CALLS_MS);
  } catch (error) {
    console.error(`${instance}: nobody to take leave of: ${error.message}`);
  }
  process.exit(0);
}

process.once("SIGTERM", leave);
process.once("SIGINT", leave);
for (let delay = FIRST_DELAY_MS; ; ) {
  if (await serveSomewhere()) delay = FIRST_DELAY_MS;
  else {
    // Jitter keeps a thousand services from coming back in the same instant.
    await sleep(delay * (0.5 + Math.random() / 2));
    delay = Math.min(2 * delay, LONGEST_DELAY_MS);
  }
}
