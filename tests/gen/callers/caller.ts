import { connect, WeftError } from "weft";
import { Mesh, type Product, type Tree } from "./made.js";

declare const process: { argv: string[] };

const node = await connect(process.argv[2]!, { name: "caller" });
const mesh = new Mesh(node);
const found: Product = await mesh.shop.find({ id: 7 }, { timeoutMs: 20000 });
console.log(found.name, found.class, found["unit-price"], found.category?.parent?.name);
console.log((await mesh.shop.find({ id: 8, class: "new" })).class);
console.log((await mesh.shop.list()).length, (await mesh.shop.list({ limit: 2 })).map((each) => each.id).join());
console.log(await mesh.shop.add({ product: { id: 1, name: "x", "unit-price": null } }));
console.log(await mesh.shop.paint({ colour: "dark-green" }));
console.log(await mesh.shop.area({ shape: { kind: "circle", radius: 2 } }), await mesh.shop.area({ shape: { kind: "square", side: 3 } }));
const tree: Tree = await mesh.shop.tree({ tree: { value: 1, children: [] } });
console.log(tree.value, tree.children[0]?.value);
console.log((await mesh.shop.class({ from: "a", list: "b", self: "c", "my-name": "d", my_name: "e" })).join());
console.log(await mesh.shop.m2_for_1() + 10 * await mesh.shop.m2_for_1_2());
await mesh.shop.clear();
console.log(JSON.stringify(await mesh.shop.anything({ a: [1] })));
const walk = (to: "on" | "back"): Promise<IteratorResult<[number, string]>> => mesh.shop.watch.steps().next(to);
const { at: [x, name], next: [count, rest] } = await mesh.shop.locate({ from: [1, "a"] });
console.log(x.toFixed(1), name.length, count, rest?.next[0], typeof walk);
const prices: number[] = [];
for await (const price of mesh.shop.watch.prices({ id: 9 }, { window: 4 })) prices.push(price);
console.log(prices.join());
for await (const number of mesh.demo.count({ to: 1_000_000 })) {
  if (number !== 3) continue;
  console.log(number);
  break;
}
const totals = mesh.demo.total({ window: 1 });
console.log((await totals.next()).value, (await totals.next(2.5)).value, (await totals.next(4)).value);
await totals.return();
const gone = new AbortController();
const slept = mesh.demo.sleep({ ms: 60_000 }, { signal: gone.signal });
gone.abort(new Error("no longer"));
console.log(await slept.catch((error: Error) => error.message));
console.log(await mesh.demo.sleep({ ms: 60_000 }, { timeoutMs: 50 }).catch((error: WeftError) => error.code));
await mesh.demo.fail({ code: 404, message: "as asked" }).catch((error: WeftError) => console.log(error.code, error.message));
await node.close();
