// Trace context with and without OpenTelemetry. Its package is not among Debian's: what stands in for it here has the
// four functions of its API that are used, as its documentation says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { startNode } from "../../clients/node/src/testing.mjs";

const source = fileURLToPath(new URL("../../clients/node/", import.meta.url));

const API = `
import { AsyncLocalStorage } from "node:async_hooks";
const active = new AsyncLocalStorage();
export const context = {
  active: () => active.getStore() ?? {},
  with: (value, run, self, ...rest) => active.run(value, () => run.apply(self, rest)),
};
export const propagation = {
  inject(value, carrier) { if (value.span) carrier.traceparent = value.span; },
  extract: (value, carrier) => ({ ...value, span: carrier.traceparent }),
};`;

// Prints the span that is active in a plain method and in a generator, called from within one of its own.
const PROGRAM = `
import { context } from "@opentelemetry/api";
import { connect, serve, Service } from "weft";
const service = new Service("s");
const span = async () => (await null, context.active().span ?? null);
service.method("s.span", span);
service.method("s.inner", async (_, { node }) => node.call("s.span"));
service.method("s.spans", async function* () { yield await span(); yield await span(); });
const server = await serve(process.argv[2], service, { log: null });
const node = await connect(process.argv[2]);
const seen = [];
await context.with({ span: process.argv[3] }, async () => {
  for (const method of ["s.span", "s.inner", "s.spans"]) seen.push(await node.call(method));
  seen.push(await node.call("s.span", [], { traceparent: process.argv[4] }));
});
seen.push(await node.call("s.span"));
console.log(JSON.stringify(seen));
await node.close();
await server.close();`;

test("calls carry the span that is active, and methods run within that of their caller", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weft-telemetry-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = (name, files) => {
    mkdirSync(join(folder, "node_modules", name), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, "node_modules", name, file), text);
  };
  put("@opentelemetry/api", { "package.json": '{"type":"module","exports":"./index.js"}', "index.js": API });
  cpSync(source, join(folder, "node_modules", "weft"), { recursive: true });
  writeFileSync(join(folder, "program.mjs"), PROGRAM);
  const { address } = await startNode({ test: t });
  const [first, second] = ["01", "02"].map((n) => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033${n}-01`);
  const printed = execFileSync(process.execPath, ["program.mjs", address, first, second], { cwd: folder, timeout: 60_000 });
  assert.deepEqual(JSON.parse(printed), [first, first, [first, first], second, null]);
});
