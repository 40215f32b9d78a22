// The options of `connect` and `serve`, checked and made whole, and those of a call.

import tls from "node:tls";
import { checkOptions, kinds } from "./names.mjs";
import { Service } from "./service.mjs";
import { isObject } from "./schema.mjs";
import { explain, OF_TLS, secureOptions } from "./secure.mjs";
import { parseAddress } from "./transport.mjs";

const DEFAULTS = {
  timeoutMs: 30_000,
  retries: 2,
  connectTimeoutMs: 5_000,
  heartbeatMs: 15_000,
  maxFrameBytes: 16 << 20,
  graceMs: 500,
  drainMs: 10_000,
};
const SERVICE = ["a Service", (value) => value instanceof Service];
const TLS = ["true or an object of options", (value) => typeof value === "boolean" || isObject(value)];
const OF_CONNECT = {
  name: kinds.text, instance: kinds.text, addresses: kinds.texts, token: kinds.secret, tls: TLS, service: SERVICE,
  callbacks: SERVICE, backoff: kinds.any, signal: kinds.signal, log: kinds.log,
  ...Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, kinds.amount])),
};
const { service: _, callbacks: __, ...OF_BOTH } = OF_CONNECT;
const OF_SERVE = { ...OF_BOTH, stopOn: kinds.texts };
const OF_BACKOFF = { firstMs: kinds.amount, longestMs: kinds.amount, lastedMs: kinds.amount };
const OF_A_CALL = {
  timeoutMs: kinds.time, signal: kinds.signal, idempotent: kinds.flag, routeKey: kinds.any, traceparent: kinds.text,
  tracestate: kinds.text,
};
const OF_A_STREAM = { ...OF_A_CALL, window: kinds.count, after: kinds.any, cursors: kinds.flag, resume: kinds.flag };

function createSecureContext(options, host) {
  try {
    tls.createSecureContext(secureOptions(options, host));
  } catch (error) {
    throw error instanceof TypeError ? error : new TypeError(`tls: ${explain(error).message}`);
  }
}

// Throws TypeError for what is none of a call, or of a stream.
export const checkCall = (options, streams = false) => checkOptions(options, streams ? OF_A_STREAM : OF_A_CALL);

export const checkServe = (options) => checkOptions(options, OF_SERVE);

export function readOptions(first, options) {
  checkOptions(options, OF_CONNECT);
  if (options.backoff !== undefined) checkOptions(options.backoff, OF_BACKOFF, "backoff: ");
  if (isObject(options.tls)) checkOptions(options.tls, OF_TLS, "tls: ");
  const addresses = [...new Set([first, options.addresses ?? []].flat())];
  if (addresses.length === 0) throw new TypeError("no address; write HOST:PORT of a node, or several");
  const secure = addresses.map((each) => parseAddress(each, Boolean(options.tls))).filter((each) => each.secure);
  // What is wrong with its files is said at once, and not as a node that cannot be reached.
  if (secure.length > 0) createSecureContext(options.tls, secure[0].host);
  if (options.service && options.callbacks) throw new TypeError("callbacks are for who has no service: add them to it");
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const token = options.token || process.env.WEFT_TOKEN || undefined;
  return { ...DEFAULTS, name: options.service?.name, ...given, addresses, token, log: options.log || undefined,
    logFailures: options.log === undefined ? console.error : undefined };
}
