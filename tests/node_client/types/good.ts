// What must compile, strictly.
import { caller, codes, connect, Item, serve, Service, sleep, Stream, WeftError } from "weft";
import type { CallContext, Client, Executed } from "weft";
import { FakeMesh, startNode } from "weft/testing";

interface User {
  id: number;
  name: string;
}

const service = new Service("users")
  .method("users.get", { params: { id: "integer", more: { type: "string" } }, idempotent: true }, async ({ id }: { id: number }): Promise<User> => ({ id, name: "Ada" }))
  .method("users.plain", (params: User, { signal, remainingMs }) => (signal.aborted ? 0 : remainingMs))
  .method("users.all", { params: ["prefix?"], item: { type: "object" } }, async function* ({ prefix }: { prefix?: string }, context: CallContext) {
    for (let id: number = context.after ?? 0; id < 3; ++id) yield new Item({ id, name: prefix ?? "" }, id);
    return "done";
  })
  .method("users.total", { input: { type: "number" } }, async function* (): AsyncGenerator<number, void, number | undefined> {
    for (let total = 0; ; ) total += (yield total) ?? 0;
  });

export async function main(): Promise<User> {
  const server: Client = await serve("127.0.0.1:7400", service, { stopOn: ["SIGTERM"], log: null });
  const node = await connect(["127.0.0.1:7400", "[::1]:7400"], {
    name: "me", token: async () => "secret", tls: { ca: "…", certFile: new URL("file:///me.pem"), minVersion: "TLSv1.3" }, backoff: { firstMs: 1 },
  });
  node.on("connected", ({ address }) => address.length).on("disconnected", (error) => error.message);
  node.once("draining", (params) => params.reason?.length);
  const user = await node.call<User>("users.get", { id: 1 }, { signal: new AbortController().signal, timeoutMs: 5, idempotent: true, routeKey: ["a", 1] });
  const id: number = user.id;
  const lines: Stream<User, string> = node.stream<User, string>("users.all", { prefix: "A" }, { window: 32 });
  for await (const each of lines) each.name.toUpperCase();
  const total = node.stream<number, void, number>("users.total");
  const step = await total.next(1);
  if (!step.done) step.value.toFixed();
  for await (const item of node.stream<Item<User, number>>("users.all", [], { cursors: true, after: 7 })) item.cursor.toFixed();
  total.end();
  await total.return();
  try {
    await node.call("users.get", { id });
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    const executed: Executed | undefined = error.executed;
    if (error.code === codes.unavailable && executed === "no") await sleep(error.retryAfterMs ?? 0);
  }
  const under: string | undefined = caller()?.method;
  const mesh = new FakeMesh();
  await mesh.serve(service, { instance: under });
  mesh.fail("users.*", { code: 14, data: { executed: "no" } }, { times: 1 });
  mesh.fail("users.get", new WeftError(404, "none"));
  const { address } = await startNode({ demo: true, args: ["--id", "a"] });
  await Promise.all([server.drain(), node.close(), (await mesh.connect()).close(), address]);
  return user;
}
