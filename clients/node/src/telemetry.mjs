// Trace context in and out: the call's own, or OpenTelemetry's where that is installed.

import { caller } from "./context.mjs";

async function load() {
  try {
    return await import("@opentelemetry/api");
  } catch (error) {
    if (error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const otel = await load();

// What a call carries: what it says itself, else the span that is active, else the trace of the call being served.
export function outgoingTrace(options) {
  if (options.traceparent !== undefined) return options;
  if (otel) {
    const carrier = {};
    otel.propagation.inject(otel.context.active(), carrier);
    if (carrier.traceparent !== undefined) return carrier;
  }
  return caller() ?? options;
}

// Runs it as what the message's trace has led to.
export function withinTrace({ traceparent, tracestate }, run) {
  if (!otel || typeof traceparent !== "string") return run();
  const parent = otel.propagation.extract(otel.context.active(), { traceparent, tracestate });
  return otel.context.with(parent, run);
}
