#!/usr/bin/env node
// The billing service: serves billing.charge over a connection to the first NODE that answers, until SIGTERM.
//
//     ./billing.mjs billing-1 LEDGER 127.0.0.1:7401 127.0.0.1:7402
//
// A charge is not idempotent: the mesh never sends it a second time unless the first certainly did not run. The
// file LEDGER gets one JSON line for every charge that ran, so that the books can be compared with the orders.

import { serve } from "../../clients/node/src/index.mjs"; // "weft" where it is installed
import { billing } from "./billing_service.mjs";

const [instance, ledger, ...nodes] = process.argv.slice(2);
if (nodes.length === 0) {
  console.error("usage: billing.mjs INSTANCE LEDGER NODE…   (NODE is HOST:PORT, the nearest first)");
  process.exit(64);
}
const ready = ({ node }) => console.log(`ready service=billing instance=${instance} node=${node}`);
// On a signal the mesh is told first, and what is on its way still answered.
const stopOn = ["SIGTERM", "SIGINT"];
const node = await serve(nodes, billing(instance, ledger), { instance, stopOn, backoff: { firstMs: 50, longestMs: 5000 } });
node.on("connected", ready);
if (node.state === "connected") ready(node.peer);
