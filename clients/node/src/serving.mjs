// Runs the methods that the other side of a connection calls, and answers it.

import { CallContext, within } from "./context.mjs";
import { codes, late, toWeftError, WeftError } from "./errors.mjs";
import { gather, ServedStream } from "./served_stream.mjs";
import { withinTrace } from "./telemetry.mjs";

const isGrant = (stream) => Number.isInteger(stream?.credit) && stream.credit >= 0 &&
  (stream.bytes === undefined || (Number.isInteger(stream.bytes) && stream.bytes >= 0));
const isThenable = (value) => typeof value?.then === "function";

export class Serving {
  #service;
  #transport;
  #node;
  #clock;
  #onFailed;
  #onIdle;
  #checks; // what methods give
  #running = new Map(); // id, as it is written -> { context, stream? }

  // `node` is what the methods may call with; `onFailed(error, method)` hears of exceptions that are no answers.
  constructor({ service, transport, node, clock, onFailed, onIdle, checks = false }) {
    this.#service = service;
    this.#transport = transport;
    this.#node = node;
    this.#clock = clock;
    this.#onFailed = onFailed;
    this.#onIdle = onIdle;
    this.#checks = checks;
  }

  get size() {
    return this.#running.size;
  }

  // Runs a request; `answer` gets the members of the response behind its id. `id` is undefined for a notification.
  request(message, id, answer) {
    const { method, stream } = message;
    if (id !== undefined && this.#running.has(id)) {
      return answer(failed(new WeftError(codes.invalidRequest, `the id ${id} is that of a call under way`)));
    }
    const found = this.#service?.find(method);
    if (!found) return answer(failed(this.#notFound(method)));
    if (message.deadline_ms <= 0) return answer(failed(late(method, message.deadline_ms, "no")));
    const context = new CallContext({
      method, node: this.#node, notification: id === undefined, after: stream?.after, message, clock: this.#clock,
    });
    const entry = { context, stream: undefined };
    const finish = (members) => {
      if (context.ended) return;
      context.ended = true;
      context.forgetDeadline?.();
      if (id !== undefined) this.#running.delete(id);
      answer(members);
      if (this.#running.size === 0) this.#onIdle();
    };
    if (id !== undefined) this.#running.set(id, entry);
    this.#limit(context, message, found.streams ? undefined : finish);
    this.#run(found, message, entry, id, finish);
  }

  cancel(id) {
    this.#running.get(id)?.context.abort(new WeftError(codes.requestCancelled, "cancelled by the caller"));
  }

  // A message of a stream that has ended, or never was, finds nobody.
  ofStream(what, id, params) {
    this.#running.get(id)?.stream?.receive(what, params);
  }

  has(id) {
    return this.#running.has(id);
  }

  abortAll(reason) {
    for (const { context } of [...this.#running.values()]) context.abort(reason);
  }

  // Whoever does not heed the end of a call is not waited for; a generator is given the time of its cleanup.
  #limit(context, { method, deadline_ms: deadline }, finish) {
    if (finish) context.onAbort((reason) => finish(failed(reason)));
    if (typeof deadline !== "number") return;
    const timer = this.#clock.setTimeout(() => {
      context.abort(late(method, deadline, "unknown"));
    }, deadline);
    context.forgetDeadline = () => this.#clock.clearTimeout(timer);
  }

  #run(found, message, entry, id, finish) {
    const { context } = entry;
    const fail = (error) => {
      if (error instanceof WeftError) return finish(failed(error));
      // What it says is for whoever runs the service, and no business of its callers.
      this.#onFailed(error, message.method);
      return finish(failed(new WeftError(codes.internalError, `internal error in the handler of '${message.method}'`)));
    };
    const checked = (value) => {
      if (this.#checks && !found.streams) found.check("result", value, message.method);
      return succeeded(value);
    };
    let result;
    try {
      const params = found.read(message.params, message.method);
      const start = () => found.run(params, context);
      const begin = found.streams ? () => this.#drive(found, start, message, entry, id) : start;
      result = within(context, () => withinTrace(message, begin));
      if (!isThenable(result)) return finish(checked(result));
    } catch (error) {
      return fail(error);
    }
    return result.then((value) => finish(checked(value))).catch(fail);
  }

  #drive(found, start, { stream }, entry, id) {
    const { context } = entry;
    if (stream === undefined || id === undefined) return gather(start, context);
    if (!isGrant(stream)) {
      throw new WeftError(codes.invalidRequest, 'the member "stream" is {"credit": number, "bytes"?, "after"?}');
    }
    if ((stream.after ?? null) !== null && !found.options.resumable) {
      throw new WeftError(codes.invalidParams,
        `${context.method}: it cannot go on behind a cursor, since it is not resumable; leave out 'after'`);
    }
    const transport = this.#transport;
    const tell = (what, members) =>
      transport.send(`{"jsonrpc":"2.0","method":"$/stream/${what}","params":{"id":${id},${members}}}`);
    entry.stream = new ServedStream({ tell, transport, method: found, context, stream, checks: this.#checks });
    return entry.stream.run(start);
  }

  #notFound(method) {
    const known = this.#service?.names.join(", ") || "none";
    return new WeftError(codes.methodNotFound, `no method ${method} here; there are ${known}`);
  }
}

// Members of a response. A result that is no JSON throws: it is an error of the method.
const succeeded = (result) => `"result":${JSON.stringify(result) ?? "null"}`;
const failed = (error) => `"error":${errorText(error)}`;

function errorText(error) {
  try {
    return JSON.stringify(toWeftError(error));
  } catch (unfit) {
    return JSON.stringify(new WeftError(codes.internalError, `${error.message}; its data is no JSON: ${unfit.message}`));
  }
}
