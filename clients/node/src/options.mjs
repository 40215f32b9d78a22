// The options of `connect` and `serve`, checked and made whole, and those of a call.

import tls from "node:tls";
import { refuseUnknown } from "./names.mjs";
import { Service } from "./service.mjs";
import { shown } from "./schema.mjs";
import { explain, secureOptions } from "./secure.mjs";
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
const NAMES = new Set(["name", "instance", "addresses", "token", "tls", "service", "callbacks", "backoff", "signal", "log",
  ...Object.keys(DEFAULTS)]);
const OF_SERVE = new Set([...NAMES, "stopOn"].filter((name) => name !== "service" && name !== "callbacks"));
const OF_BACKOFF = new Set(["firstMs", "longestMs", "lastedMs"]);
const OF_A_CALL = new Set(["timeoutMs", "signal", "idempotent", "routeKey", "traceparent", "tracestate"]);
const OF_A_STREAM = new Set([...OF_A_CALL, "window", "after", "cursors", "resume"]);

function createSecureContext(options, host) {
  try {
    tls.createSecureContext(secureOptions(options, host));
  } catch (error) {
    throw error instanceof TypeError ? error : new TypeError(`tls: ${explain(error).message}`);
  }
}

// Throws TypeError for what is none of a call, or of a stream.
export function checkCall(options, streams = false) {
  refuseUnknown(options, streams ? OF_A_STREAM : OF_A_CALL);
  const { timeoutMs = 0, signal } = options;
  if (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs)) {
    throw new TypeError(`timeoutMs is a number of milliseconds, not ${shown(timeoutMs)}`);
  }
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(`signal is an AbortSignal, not ${shown(signal)}`);
  }
  const { window = 1 } = options;
  if (!Number.isInteger(window) || window < 1) throw new TypeError(`window is an integer from 1, not ${shown(window)}`);
}

export const checkServe = (options) => refuseUnknown(options, OF_SERVE);

export function readOptions(first, options) {
  refuseUnknown(options, NAMES);
  if (options.backoff !== undefined) refuseUnknown(options.backoff, OF_BACKOFF, "backoff: ");
  const addresses = [...new Set([first, options.addresses ?? []].flat())];
  if (addresses.length === 0) throw new TypeError("no address; write HOST:PORT of a node, or several");
  const secure = addresses.map((each) => parseAddress(each, Boolean(options.tls))).filter((each) => each.secure);
  // What is wrong with its files is said at once, and not as a node that cannot be reached.
  if (secure.length > 0) createSecureContext(options.tls, secure[0].host);
  for (const name of ["service", "callbacks"]) {
    if (options[name] !== undefined && !(options[name] instanceof Service)) {
      throw new TypeError(`${name} is a Service, not ${shown(options[name])}`);
    }
  }
  if (options.service && options.callbacks) throw new TypeError("callbacks are for who has no service: add them to it");
  for (const name of Object.keys(DEFAULTS)) {
    const value = options[name] ?? DEFAULTS[name];
    if (typeof value !== "number" || !(value >= 0)) throw new TypeError(`${name} is a number from 0, not ${shown(value)}`);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const token = options.token || process.env.WEFT_TOKEN || undefined;
  return { ...DEFAULTS, name: options.service?.name, ...given, addresses, token, log: options.log || undefined,
    logFailures: options.log === undefined ? console.error : undefined };
}
