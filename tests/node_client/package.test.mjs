// The package as its users have it: packed, installed offline into an empty folder, its README followed, its types
// checked.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect } from "../../clients/node/src/index.mjs";
import { startNode } from "../../clients/node/src/testing.mjs";
import { failsWith } from "./support.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const source = fileURLToPath(new URL("../../clients/node/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weft-package-"));
const project = join(folder, "project");
const npm = (cwd, ...arguments_) =>
  execFileSync("npm", [...arguments_, "--offline", "--no-audit", "--no-fund", "--cache", join(folder, "cache")],
    { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

// The blocks of the README that are files of a project, by name.
const blocks = readFileSync(join(source, "README.md"), "utf8").matchAll(/^```js (\S+)\n(.*?)^```$/gms);
const files = Object.fromEntries([...blocks].map(([, name, text]) => [name, text]));

before(() => {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const packed = npm(folder, "pack", source).trim().split("\n").at(-1);
  npm(project, "install", join(folder, packed));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
});
after(() => rmSync(folder, { recursive: true }));

test("it holds the sources and their types, and needs nothing", () => {
  const installed = join(project, "node_modules", "weft");
  assert.deepEqual(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith(".")), ["weft"]);
  assert.deepEqual(readdirSync(installed).sort(), ["README.md", "package.json", "src"]);
  assert.deepEqual(readdirSync(join(installed, "src")).sort(), readdirSync(join(source, "src")).sort());
  assert.equal(JSON.parse(readFileSync(join(installed, "package.json"))).dependencies, undefined);
});

test("the README's service is found and called", async (t) => {
  const node = await startNode({ test: t });
  const service = spawn(process.execPath, ["main.mjs", node.address], { cwd: project, stdio: ["ignore", "inherit", "pipe"] });
  t.after(() => service.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: service.stderr }), "line");
  assert.match(line, /^serving users\.get, users\.all at node /);
  const client = await connect(node.address);
  t.after(() => client.close());
  assert.deepEqual(await client.call("users.get", { id: 1 }), { id: 1, name: "Ada" });
  assert.deepEqual(await client.call("users.all", ["G"]), [{ id: 2, name: "Grace" }]);
  await assert.rejects(client.call("users.get", ["x"]), failsWith(-32602, /^users\.get: 'id' is an integer, not "x"$/));
  const calling = spawnSync(process.execPath, ["call.mjs", node.address], { cwd: project, encoding: "utf8" });
  assert.deepEqual([calling.status, calling.stdout], [0, "Ada\n{ id: 1, name: 'Ada' }\n"], calling.stderr);
  service.kill("SIGTERM");
  assert.deepEqual(await once(service, "exit"), [0, null]);
});

test("the README's tests pass", () => {
  const options = { cwd: project, encoding: "utf8", env: cleanEnvironment() };
  const run = spawnSync(process.execPath, ["--test", "users.test.mjs"], options);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /pass [23]$/m);
});

test("a strict program in TypeScript compiles, and one that is wrong does not", () => {
  const names = ["good.ts", "bad.ts"];
  for (const name of names) copyFileSync(join(here, "types", name), join(project, name));
  const wrong = readFileSync(join(here, "types", "bad.ts"), "utf8").split("\n")
    .flatMap((line, index) => (line.endsWith("// wrong") ? [`bad.ts(${index + 1}`] : []));
  for (const [resolution, module] of [["nodenext", "nodenext"], ["node", "es2022"]]) {
    const compiled = spawnSync("tsc", ["--noEmit", "--strict", "--skipDefaultLibCheck", "--target", "es2022",
      "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution, ...names], { cwd: project, encoding: "utf8" });
    assert.equal(compiled.error, undefined, "tsc is in Debian's node-typescript: deploy/setup.sh test");
    const complaints = compiled.stdout.match(/^\S+\(\d+(?=,)/gm);
    assert.deepEqual([...new Set(complaints)], wrong, compiled.stdout);
  }
});

test("what is declared is there, and nothing else", async () => {
  for (const name of ["index", "testing"]) {
    const text = readFileSync(join(source, "src", `${name}.d.ts`), "utf8");
    const module = await import(join(source, "src", `${name}.mjs`));
    const declared = [...text.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, each]) => each);
    assert.deepEqual(declared.sort(), Object.keys(module).sort());
    for (const [, of, body] of text.matchAll(/^export class (\w+)[^{]*\{\n(.*?)^\}/gms)) {
      for (const [, method] of body.matchAll(/^  (\w+)(?:<.*>)?\(/gm)) {
        assert.equal(typeof module[of].prototype[method], "function", `${of}.${method}`);
      }
    }
  }
});

// Tests that run tests: the inner ones report to nobody here.
function cleanEnvironment() {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  return environment;
}
