// A mesh within this process, for tests: clients as they are, no sockets, virtual time, and calls that go wrong on demand.

import { Client } from "./client.mjs";
import { toWeftError, WeftError } from "./errors.mjs";
import { FakeClock } from "./fake_clock.mjs";
import { FakeNode } from "./fake_node.mjs";
import { checkServe, readOptions } from "./options.mjs";

const ADDRESS = "fake:1";

export class FakeMesh {
  #clock = new FakeClock();
  #node;
  #clients = new Set();

  constructor({ node = "fake" } = {}) {
    this.#node = new FakeNode(this.#clock, node);
  }

  // Milliseconds since it was made, by its own clock.
  now() {
    return this.#clock.now();
  }

  // The params of the calls of this method that have come, in their order.
  calls(method) {
    return this.#node.calls.filter((call) => call.method === method).map(({ params }) => params);
  }

  connect(options = {}) {
    return this.#begin(options, false);
  }

  serve(service, options = {}) {
    checkServe(options);
    return this.#begin({ name: service.name, ...options, service }, true);
  }

  // Calls of `method` (a name, prefix.* or *) fail with this error: a WeftError or { code, message, data }.
  fail(method, error, { times = Infinity } = {}) {
    const { code, message = "as the test asked for", data } = error;
    const told = error instanceof Error ? toWeftError(error) : new WeftError(code, message, data);
    this.#rule(method, times, ({ fail }) => fail(told));
  }

  // They reach whoever answers so much later.
  delay(method, ms, { times = Infinity } = {}) {
    this.#rule(method, times, ({ after, goOn }) => after(ms, goOn));
  }

  // They are never answered: their callers wait until their deadline.
  drop(method, { times = Infinity } = {}) {
    this.#rule(method, times, () => {});
  }

  // Takes back all that was asked for.
  restore() {
    this.#node.rules.length = 0;
  }

  // Cuts the connections of this name; all without one. Their clients connect again.
  disconnect(name) {
    this.#node.disconnect(name);
  }

  async close() {
    await Promise.all([...this.#clients].map((client) => client.close()));
  }

  // The latest rule counts.
  #rule(pattern, times, act) {
    this.#node.rules.unshift({ pattern, times, act });
  }

  async #begin(options, waits) {
    const surroundings = { clock: this.#clock, dial: async () => this.#node.accept(), checks: true };
    const client = new Client(readOptions(ADDRESS, options), surroundings);
    this.#clients.add(client);
    client.closed.then(() => this.#clients.delete(client));
    return client.begin({ waits });
  }
}
