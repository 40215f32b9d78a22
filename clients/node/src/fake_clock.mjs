// Virtual time: jumps to the next timer once nothing else is left to do in this process.

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

const IDLE_TURNS = 2; // of the event loop, without anything that is known here
const POLL_MS = 1;

// Requests to the operating system: whoever waits for a file waits in real time.
const isBusy = () => process.getActiveResourcesInfo().some((name) => /Req|Zlib/.test(name));

export class FakeClock {
  #now = 0;
  #timers = new Set();
  #events = 0;
  #running = false;

  now() {
    return this.#now;
  }

  setTimeout(run, ms) {
    const timer = { run, due: this.#now + Math.max(0, ms) };
    this.#timers.add(timer);
    this.touch();
    if (!this.#running) this.#run();
    return timer;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  // Something has happened: whoever is told of it has its turn before time goes on.
  touch() {
    ++this.#events;
  }

  async #run() {
    this.#running = true;
    while (this.#timers.size > 0) {
      await this.#idle();
      this.#fire();
    }
    this.#running = false;
  }

  async #idle() {
    for (let quiet = 0; quiet < IDLE_TURNS; ) {
      const before = this.#events;
      await nextTurn();
      if (isBusy()) await sleep(POLL_MS);
      else if (this.#events === before) {
        ++quiet;
        continue;
      }
      quiet = 0;
    }
  }

  // One timer: what it begins may come before the next.
  #fire() {
    let next;
    for (const timer of this.#timers) if (!next || timer.due < next.due) next = timer;
    if (!next) return;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.due);
    this.touch();
    next.run();
  }
}
