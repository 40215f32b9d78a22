// weft's framing for the Node.js clients: a signed 32-bit big-endian length, then that many bytes of JSON.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";

export function writeFrame(socket, message) {
  const payload = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(4);
  header.writeInt32BE(payload.length);
  socket.write(Buffer.concat([header, payload]));
}

// Calls `receive` with the message of each frame that the socket brings.
export function readFrames(socket, receive) {
  let buffer = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 4) {
      const end = 4 + buffer.readInt32BE(0);
      assert(end > 4, `the node sent a frame of length ${end - 4}`);
      if (buffer.length < end) return;
      const message = JSON.parse(buffer.subarray(4, end));
      buffer = buffer.subarray(end);
      receive(message);
    }
  });
}

// Connects to the HOST:PORT of the command line, runs the test, and ends the process: 0 when it passed.
export async function main(test) {
  const [host, port] = process.argv[2].split(":");
  const socket = net.connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    await test(socket);
    console.log("passed");
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
