#!/usr/bin/env node
// The billing service: serves billing.charge over a connection to the first NODE that answers, until SIGTERM.
//
//     ./billing.mjs billing-1 LEDGER 127.0.0.1:7401 127.0.0.1:7402
//
// A charge is not idempotent: the mesh never sends it a second time unless the first certainly did not run. The
// file LEDGER gets one JSON line for every charge that ran, so that the books can be compared with the orders.

import { appendFileSync } from "node:fs";
import { serve, Service } from "../../clients/node/src/index.mjs"; // "weft" where it is installed

const [instance, ledger, ...nodes] = process.argv.slice(2);
if (nodes.length === 0) {
  console.error("usage: billing.mjs INSTANCE LEDGER NODE…   (NODE is HOST:PORT, the nearest first)");
  process.exit(64);
}

const receipts = new Map(); // request key -> receipt

function charge({ key, user, amount_cents: amount }) {
  const repeated = receipts.has(key);
  appendFileSync(ledger, JSON.stringify({ key, user, amount_cents: amount, instance, repeated }) + "\n");
  if (!repeated) receipts.set(key, { receipt: `${instance}/${receipts.size + 1}`, key, amount_cents: amount });
  return receipts.get(key);
}

const service = new Service("billing").method("billing.charge", {
  params: { key: "string", user: "integer", amount_cents: { type: "integer", minimum: 0 } },
  result: { type: "object", required: ["receipt", "key", "amount_cents"] },
  idempotent: false,
}, charge);

const ready = ({ node }) => console.log(`ready service=billing instance=${instance} node=${node}`);
// On a signal the mesh is told first, and what is on its way still answered.
const node = await serve(nodes, service, { instance, stopOn: ["SIGTERM", "SIGINT"], backoff: { firstMs: 50, longestMs: 5000 } });
ready({ node: node.peer.node });
node.on("connected", ready);
