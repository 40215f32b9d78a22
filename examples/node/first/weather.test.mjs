import assert from "node:assert/strict";
import test from "node:test";
import { FakeMesh } from "weft/testing";
import { weather } from "./weather.mjs";

test("is told for cities that are known", async () => {
  const mesh = new FakeMesh();
  const node = await mesh.serve(weather);
  assert.deepEqual(await node.call("weather.now", { city: "Oslo" }), { hour: 0, celsius: -3 });
  await assert.rejects(node.call("weather.now", ["Atlantis"]), { code: 404 });
  await assert.rejects(node.call("weather.now", { city: 7 }), { message: "weather.now: 'city' is a string, not 7" });
});

test("is followed by the hour", async () => {
  const mesh = new FakeMesh();
  const node = await mesh.serve(weather);
  let hours = 0;
  for await (const { hour } of node.stream("weather.follow", ["Oslo", 1000])) assert.equal(hour, hours++);
  assert.equal(hours, 1000);
  assert.equal(mesh.now(), 10_000); // of a clock that nobody waits for
});

test("a call that gets lost ends with its deadline", async () => {
  const mesh = new FakeMesh();
  const node = await mesh.serve(weather);
  mesh.drop("weather.now", { times: 1 });
  await assert.rejects(node.call("weather.now", ["Oslo"], { timeoutMs: 2000 }), { code: 4 });
  assert.equal((await node.call("weather.now", ["Oslo"])).celsius, -3);
});
