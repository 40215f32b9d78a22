// Frames: a signed 32-bit big-endian length, then that many bytes of JSON.

import { isUtf8 } from "node:buffer";
import { codes, unavailable, WeftError } from "./errors.mjs";

const HEADER_BYTES = 4;
// The first bytes of what a TLS listener says to a client that does not speak it: an alert, or a handshake.
const TLS_RECORDS = new Set([0x1503, 0x1603]);
const SPEAKS = new Map([
  [Buffer.from("HTTP").readInt32BE(), "it speaks HTTP; is this the admin port of a node?"],
  [Buffer.from("SSH-").readInt32BE(), "it speaks SSH; is the port right?"],
]);

// What is there instead of a node, by the four bytes that would be the length of a frame.
const foreign = (length) =>
  (TLS_RECORDS.has(length >>> 16) ? "it speaks TLS; write tls://HOST:PORT" : SPEAKS.get(length));

// Cuts a byte stream into the texts of its frames. A frame that comes in pieces is copied once, into its place.
export class FrameReader {
  #most;
  #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #frame = null;
  #filled = 0;

  constructor(maxFrameBytes) {
    this.#most = maxFrameBytes;
  }

  // Gives every text that the chunk completes to `receive`. Throws WeftError where there is no frame boundary to go on
  // from.
  feed(chunk, receive) {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame !== null) {
        at += this.#fill(chunk, at);
        if (this.#filled < this.#frame.length) return;
        const frame = this.#frame;
        this.#frame = null;
        receive(decode(frame, 0, frame.length));
        continue;
      }
      let length;
      if (this.#headerBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        length = chunk.readInt32BE(at);
        at += HEADER_BYTES;
      } else {
        this.#header[this.#headerBytes++] = chunk[at++];
        if (this.#headerBytes < HEADER_BYTES) continue;
        length = this.#header.readInt32BE();
        this.#headerBytes = 0;
      }
      this.#check(length);
      if (chunk.length - at >= length) {
        receive(decode(chunk, at, at + length));
        at += length;
      } else {
        this.#frame = Buffer.allocUnsafe(length);
        this.#filled = 0;
      }
    }
  }

  #fill(chunk, at) {
    const copied = chunk.copy(this.#frame, this.#filled, at);
    this.#filled += copied;
    return copied;
  }

  #check(length) {
    if (length <= 0) throw new WeftError(codes.invalidRequest, `a frame of ${length} bytes: it has at least 1`);
    if (length <= this.#most) return;
    const other = foreign(length);
    if (other !== undefined) throw unavailable(other, "no");
    throw new WeftError(codes.resourceExhausted, `a frame of ${length} bytes: at most ${this.#most} are taken`);
  }
}

// What is no UTF-8 becomes a text that is no JSON.
function decode(bytes, from, to) {
  const text = bytes.toString("utf8", from, to);
  return text.includes("\ufffd") && !isUtf8(bytes.subarray(from, to)) ? "" : text;
}

// All texts as frames, in one buffer.
export function encode(texts) {
  let size = 0;
  const lengths = texts.map((text) => {
    const bytes = Buffer.byteLength(text);
    size += HEADER_BYTES + bytes;
    return bytes;
  });
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  texts.forEach((text, index) => {
    at = buffer.writeInt32BE(lengths[index], at);
    at += buffer.write(text, at);
  });
  return buffer;
}
