// What a call fails with, and the codes of docs/protocol.md.

export const codes = Object.freeze({
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  requestCancelled: -32800,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
});

const NEVER_RUN = new Set([codes.parseError, codes.invalidRequest, codes.methodNotFound, codes.invalidParams]);

// An error answer, or a call that got no answer: codes 4 and 14, as a node itself would give them.
export class WeftError extends Error {
  constructor(code, message, data, options) {
    super(message, options);
    this.name = "WeftError";
    this.code = code;
    this.data = data;
  }

  // "no": the method certainly did not run. "unknown": it may have. undefined: it ran, and says so itself.
  get executed() {
    return this.data?.executed ?? (NEVER_RUN.has(this.code) ? "no" : undefined);
  }

  get retryAfterMs() {
    return this.data?.retry_after_ms;
  }

  // Its members as the wire has them.
  toJSON() {
    return { code: this.code, message: this.message, data: this.data };
  }
}

// `error` is the member of an answer, or of a `throw`. A peer that sends something else has failed all the same.
export function fromWire(error) {
  const { code, message, data } = Object(error);
  const known = Number.isInteger(code) ? code : codes.internalError;
  return new WeftError(known, typeof message === "string" ? message : JSON.stringify(error), data);
}

// Whatever a method has thrown.
export const toWeftError = (error) =>
  error instanceof WeftError ? error : new WeftError(codes.internalError, `${error}`, undefined, { cause: error });

export const late = (method, timeoutMs, executed) =>
  new WeftError(codes.deadlineExceeded, `${method} did not end within ${timeoutMs} ms`, { executed });

export const unavailable = (message, executed) => new WeftError(codes.unavailable, message, { executed });
