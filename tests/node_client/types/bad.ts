// What must not compile: the lines that are marked, and no other.
import { connect, serve, Service, WeftError } from "weft";
import { FakeMesh } from "weft/testing";

interface User {
  id: number;
}

export async function main(service: Service): Promise<void> {
  const node = await connect(7400); // wrong
  await connect("127.0.0.1:7400", { tokn: "x" }); // wrong
  await connect("127.0.0.1:7400", { tls: { caFle: "ca.pem" } }); // wrong
  await serve("127.0.0.1:7400"); // wrong
  const user = await node.call<User>("users.get", { id: 1 });
  user.name; // wrong
  const untyped = await node.call("users.get");
  untyped.id; // wrong
  await node.call("users.get", 1); // wrong
  await node.call("users.get", {}, { timeout: 1 }); // wrong
  for await (const line of node.stream<string>("log.tail")) line.toFixed(); // wrong
  await node.stream<number, void, number>("demo.total").next("x"); // wrong
  node.on("connect", () => {}); // wrong
  node.state = "closed"; // wrong
  service.method("a", { idempotnt: true }, () => 1); // wrong
  service.method("a", { params: { id: "int" } }, () => 1); // wrong
  service.method("a"); // wrong
  new WeftError("1", "text"); // wrong
  new FakeMesh().drop(); // wrong
}
