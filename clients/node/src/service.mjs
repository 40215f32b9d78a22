// Methods, declared once: what the mesh is told of them, and what is run.

import { codes, WeftError } from "./errors.mjs";
import { checkOptions, kinds } from "./names.mjs";
import { mismatched, Parameters } from "./parameters.mjs";
import { compile, shown } from "./schema.mjs";

const AsyncGeneratorFunction = (async function* () {}).constructor;
const RESERVED = /^(?:rpc\.|mesh\.|\$\/|connect$|heartbeat$)/;
const OPTIONS = {
  params: kinds.any, result: kinds.any, idempotent: kinds.flag, maxInFlight: kinds.count, stream: kinds.flag, item: kinds.any,
  input: kinds.any, resumable: kinds.flag, description: kinds.text,
};

// What a stream yields, and where a resumable one can go on behind it.
export class Item {
  constructor(value, cursor) {
    this.value = value;
    this.cursor = cursor;
  }
}

class Method {
  constructor(name, options, run) {
    this.name = name;
    this.options = options;
    this.run = run;
    this.parameters = options.params === undefined ? undefined : new Parameters(options.params);
    this.streams = options.stream ?? run instanceof AsyncGeneratorFunction;
    this.takesInput = this.streams && options.input !== undefined;
    this.#input = this.takesInput ? compile(options.input) : undefined;
    for (const name of ["result", "item"]) if (options[name] !== undefined) this.#given[name] = compile(options[name]);
  }

  #input;
  #given = {}; // checks of what it gives

  // Throws where what it gives, its "result" or an "item", is not what it declares.
  check(name, value, method) {
    const mismatch = this.#given[name]?.(JSON.parse(JSON.stringify(value) ?? "null"));
    if (mismatch) throw new WeftError(codes.internalError, `${mismatched(method, name, mismatch).message}, as its schema says`);
  }

  // What the function gets. Throws the answer to a call whose params do not fit.
  read(params, method) {
    return this.parameters ? this.parameters.read(params, method) : params ?? undefined;
  }

  // The answer to a value that its caller sent and that does not fit; undefined when it does.
  refuseInput(value, method) {
    const mismatch = this.#input?.(value);
    return mismatch && mismatched(method, "value", mismatch);
  }

  // Its entry in `serves`.
  declare() {
    const { description, result, idempotent, maxInFlight, item, input, resumable } = this.options;
    const stream = this.streams ? { stream: true, item, input, resumable } : {};
    const params = this.parameters ? this.parameters.describe(description) : description && { description };
    return { method: this.name, idempotent, max_in_flight: maxInFlight, params, result, ...stream };
  }
}

export class Service {
  #methods = new Map();
  #prefixes = [];

  constructor(name) {
    if (typeof name !== "string") throw new TypeError(`a service has a name, a string, not ${shown(name)}`);
    this.name = name;
  }

  // Adds a method: `run(params, context)` is a function, plain or async, or an async generator function.
  method(name, ...rest) {
    const run = rest.pop();
    const [options = {}] = rest;
    if (typeof run !== "function") throw new TypeError(`method '${name}': its last argument is its function`);
    if (typeof name !== "string" || name === "" || RESERVED.test(name)) {
      throw new TypeError(`method '${name}': rpc.*, mesh.*, $/…, connect and heartbeat are the node's; name it otherwise`);
    }
    if (this.#methods.has(name)) throw new TypeError(`method '${name}' is there already`);
    checkOptions(options, OPTIONS, `method '${name}': `);
    try {
      this.#methods.set(name, new Method(name, options, run));
    } catch (error) {
      throw new TypeError(`method '${name}': ${error.message}`);
    }
    if (name.endsWith(".*")) this.#prefixes.push(name.slice(0, -1));
    this.#prefixes.sort((a, b) => b.length - a.length);
    return this;
  }

  get names() {
    return [...this.#methods.keys()];
  }

  // The method that a call of this name runs: an exact name wins, then the longer prefix.
  find(name) {
    const found = this.#methods.get(name);
    if (found || this.#prefixes.length === 0) return found;
    const prefix = this.#prefixes.find((each) => name.startsWith(each));
    return prefix && this.#methods.get(`${prefix}*`);
  }

  // The member `serves` of `connect`.
  declare() {
    return [...this.#methods.values()].map((method) => method.declare());
  }
}
