// The texts of messages. Put together by hand: every call and every item is one.

import { codes, WeftError } from "./errors.mjs";

const NONE = {};

// A call; the further members are those that are defined.
export function request(id, method, params, { traceparent, tracestate, routeKey, stream } = NONE, deadlineMs = undefined) {
  if (params !== undefined && params !== null && typeof params !== "object") {
    throw new TypeError(`the params of ${method} are an object or an array, not ${JSON.stringify(params)}`);
  }
  let text = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  if (params !== undefined && params !== null) text += `,"params":${JSON.stringify(params)}`;
  if (deadlineMs !== undefined) text += `,"deadline_ms":${deadlineMs}`;
  if (traceparent !== undefined) text += `,"traceparent":${JSON.stringify(traceparent)}`;
  if (tracestate !== undefined) text += `,"tracestate":${JSON.stringify(tracestate)}`;
  if (routeKey !== undefined) text += `,"route_key":${JSON.stringify(routeKey)}`;
  if (stream !== undefined) text += `,"stream":${JSON.stringify(stream)}`;
  return `${text}}`;
}

export const notification = (method, params) => JSON.stringify({ jsonrpc: "2.0", method, params: params ?? undefined });

export const cancellation = (id) => `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${id}}}`;

// `members` are `"result":…` or `"error":…`.
export const response = (id, members) => `{"jsonrpc":"2.0","id":${id},${members}}`;

export const refusal = (code, message) =>
  response("null", `"error":${JSON.stringify(new WeftError(code, message))}`);

// What is wrong with a request, as a text; undefined when it is one.
export function faultOfRequest({ jsonrpc, method, params, id }) {
  if (jsonrpc !== "2.0") return 'the member "jsonrpc" is "2.0"';
  if (typeof method !== "string") return 'the member "method" is a string';
  if (params !== undefined && typeof params !== "object") return 'the member "params" is an object or an array';
  if (!isId(id)) return 'the member "id" is a string, a number or null';
  return undefined;
}

export const isId = (id) => id === undefined || id === null || typeof id === "string" || typeof id === "number";

// { result } or { error } of a response; one that is malformed tells so.
export function outcomeOf(message) {
  const { error } = message;
  if (error === undefined || error === null) {
    return "result" in message ? { result: message.result } : malformed("it has neither a result nor an error");
  }
  if ("result" in message && message.result !== null) return malformed("it has a result and an error");
  const { code, message: text, data } = Object(error);
  if (!Number.isInteger(code)) return malformed("its error has no code");
  return { error: new WeftError(code, typeof text === "string" ? text : "", data) };
}

export function malformed(what) {
  return { error: new WeftError(codes.unavailable, `a malformed response: ${what}`, { executed: "unknown" }) };
}
