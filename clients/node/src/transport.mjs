// What carries messages: a TCP or TLS connection. Everything sent in one tick goes out in one write.
//
// A transport has `send(text)`, `close()`, `congested`, `drained()`, and calls `onMessage(text)` and, once,
// `onEnd(error)`.

import net from "node:net";
import tls from "node:tls";
import { toWeftError, unavailable } from "./errors.mjs";
import { explain, secureOptions, whySilent } from "./secure.mjs";
import { encode, FrameReader } from "./wire.mjs";

const MUCH_UNSENT = 1 << 20;

export class SocketTransport {
  onMessage;
  onEnd;
  #socket;
  #texts = [];
  #ended = false;
  #drained = null;
  #silent = true;

  constructor(socket, maxFrameBytes) {
    this.#socket = socket;
    const frames = new FrameReader(maxFrameBytes);
    // What comes after the end could not be answered, so it must not run.
    const receive = (text) => this.#ended || this.onMessage(text);
    socket.on("data", (chunk) => {
      this.#silent = false;
      try {
        if (!this.#ended) frames.feed(chunk, receive);
      } catch (error) {
        this.#refuse(error);
      }
    });
    socket.on("drain", () => this.#wake());
    socket.on("error", (error) => this.#end(explain(error)));
    const closed = "the other side closed the connection";
    socket.on("close", () => this.#end(new Error(this.#silent ? `${closed}; ${whySilent(socket.encrypted)}` : closed)));
  }

  send(text) {
    if (this.#ended) return;
    if (this.#texts.push(text) === 1) process.nextTick(() => this.#flush());
  }

  // More is on its way than makes sense to add to.
  get congested() {
    return this.#socket.writableLength > MUCH_UNSENT;
  }

  // Resolves when the socket has taken what it was given, or has ended.
  drained() {
    if (this.#ended || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => (this.#drained ??= []).push(resolve));
  }

  // The end from this side: what was sent still goes out.
  close() {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.#wake();
    this.#socket.end();
    // A peer that does not close its side must not keep the process alive.
    this.#socket.unref();
  }

  // Cuts the connection.
  destroy() {
    this.#ended = true;
    this.#socket.destroy();
  }

  #flush() {
    if (this.#ended || this.#texts.length === 0) return;
    const texts = this.#texts;
    this.#texts = [];
    this.#socket.write(encode(texts));
  }

  #refuse(error) {
    this.send(JSON.stringify({ jsonrpc: "2.0", id: null, error: toWeftError(error) }));
    this.#flush();
    this.#socket.end();
    this.#end(error);
  }

  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    this.#socket.destroySoon();
    this.onEnd(error);
  }

  #wake() {
    const waiting = this.#drained;
    this.#drained = null;
    waiting?.forEach((resolve) => resolve());
  }
}

// "HOST:PORT", an IPv6 host in brackets; "tls://HOST:PORT" and "tcp://HOST:PORT" say whether it is behind TLS, which one
// without is if `secure`.
export function parseAddress(address, secure = false) {
  const [, scheme, bracketed, plain, port] =
    /^(?:(tls|tcp):\/\/)?(?:\[([^\]]+)\]|([^:/[\]\s]+)):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65535 || Number(port) === 0) {
    throw new TypeError(`'${address}' is no address; write HOST:PORT, as in 127.0.0.1:7400 or [::1]:7400, or tls://HOST:PORT`);
  }
  const byOption = scheme === undefined && secure;
  return { host: bracketed ?? plain, port: Number(port), secure: byOption || scheme === "tls", byOption };
}

// A SocketTransport to the address; rejects when there is none in time.
export async function dial(address, { tls: options, timeoutMs, maxFrameBytes, signal }) {
  const { host, port, secure, byOption } = parseAddress(address, Boolean(options));
  const to = { host, port, autoSelectFamily: true };
  const socket = secure ? tls.connect({ ...secureOptions(options, host), ...to }) : net.connect(to);
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.off("error", lost).off("close", closed);
    };
    const fail = (error) => {
      settle();
      // What it still has to say about an end that was decided here.
      socket.on("error", () => {}).destroy();
      reject(error);
    };
    const lost = (error) => fail(explain(error, secure, byOption));
    const closed = () => fail(new Error("the other side closed the connection"));
    const abort = () => fail(signal.reason);
    const timer = setTimeout(() => fail(unavailable(`no connection within ${timeoutMs} ms`, "no")), timeoutMs);
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", lost).once("close", closed);
    socket.once(secure ? "secureConnect" : "connect", () => {
      settle();
      resolve(new SocketTransport(socket, maxFrameBytes));
    });
  });
}
