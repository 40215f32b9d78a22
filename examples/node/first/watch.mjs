import { connect } from "weft";

const [address, city] = process.argv.slice(2);
let node;
try {
  node = await connect(address, { name: "watch" });
  for await (const { hour, celsius } of node.stream("weather.follow", { city, hours: 3 })) {
    console.log(`${String(hour).padStart(2, "0")}:00 ${celsius} °C`);
  }
} catch (error) {
  console.log(`${error.message} (code ${error.code})`);
  process.exitCode = 1;
}
await node?.close();
