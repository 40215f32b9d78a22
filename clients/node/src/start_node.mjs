// A real node on free ports, for tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

const START_TIMEOUT_MS = 60_000;
const READY = /^ready node=(\S+) listen=(\S+) admin=(\S+)/;
const LONGEST_LOG = 1 << 20;

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The program that the variable WEFT_BIN names, or `weft` of the PATH.
export function findProgram() {
  const named = process.env.WEFT_BIN;
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`WEFT_BIN is '${named}', which is no program; name the path of weft`);
  }
  const found = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "weft")).find(isProgram);
  if (found) return found;
  throw new Error("no program weft in the PATH; set WEFT_BIN to its path, build/release/weft for example");
}

// Resolves once it takes connections. `args` are further arguments of `weft node`, `demo` adds its demonstration
// methods; with `test`, the context of a test, it is stopped with that.
export async function startNode({ args = [], demo = false, test, program = findProgram() } = {}) {
  const free = ["--listen", "--admin"].filter((option) => !args.includes(option));
  const all = ["node", ...free.flatMap((option) => [option, "127.0.0.1:0"]), ...(demo ? ["--demo"] : []), ...args];
  // Every WEFT_… variable is a setting of the node: those of the tests are none.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WEFT_")));
  const child = spawn(program, all, { env, stdio: ["ignore", "pipe", "pipe"] });
  const node = new StartedNode(child);
  test?.after(() => node.kill());
  await node.ready(program);
  return node;
}

class StartedNode {
  #child;
  #log = "";
  #exited;

  constructor(child) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
    child.stderr.setEncoding("utf8").on("data", (text) => (this.#log = (this.#log + text).slice(-LONGEST_LOG)));
    // A node must not outlive its tests.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.#exited.then(() => process.off("exit", kill));
  }

  get pid() {
    return this.#child.pid;
  }

  get log() {
    return this.#log;
  }

  // It drains; resolves to its exit status.
  stop() {
    this.#child.kill("SIGTERM");
    return this.#exited;
  }

  kill() {
    this.#child.kill("SIGKILL");
    return this.#exited;
  }

  async ready(program) {
    const lines = createInterface({ input: this.#child.stdout });
    const failed = once(this.#child, "error").then(([error]) => {
      throw new Error(`${program} cannot be started: ${error.message}`);
    });
    failed.catch(() => {});
    const timer = setTimeout(() => this.kill(), START_TIMEOUT_MS);
    const first = await Promise.race([once(lines, "line"), failed, this.#exited]);
    clearTimeout(timer);
    const [, id, address, admin] = READY.exec(Array.isArray(first) ? first[0] : "") ?? [];
    if (address === undefined) {
      await this.kill();
      throw new Error(`${program} did not say that it is ready, but ${JSON.stringify(first)}:\n${this.#log}`);
    }
    Object.assign(this, { id, address, adminAddress: admin });
  }
}
