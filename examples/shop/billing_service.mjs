// What billing does: charges, once for each key, and a line in the ledger for every charge that ran.

import { appendFileSync } from "node:fs";
import { Service } from "../../clients/node/src/index.mjs"; // "weft" where it is installed

const CHARGE = {
  params: { key: "string", user: "integer", amount_cents: { type: "integer", minimum: 0 } },
  result: { type: "object", required: ["receipt", "key", "amount_cents"] },
  idempotent: false,
};

export function billing(instance, ledger) {
  const receipts = new Map(); // request key -> receipt

  function charge({ key, user, amount_cents: amount }) {
    const repeated = receipts.has(key);
    appendFileSync(ledger, JSON.stringify({ key, user, amount_cents: amount, instance, repeated }) + "\n");
    if (!repeated) receipts.set(key, { receipt: `${instance}/${receipts.size + 1}`, key, amount_cents: amount });
    return receipts.get(key);
  }

  return new Service("billing").method("billing.charge", CHARGE, charge);
}
