// One connection to a node: both sides call each other over it. Who makes one gives it a transport, and hears of its
// end and of `$/goaway`.

import { Call } from "./call.mjs";
import { codes, unavailable, WeftError } from "./errors.mjs";
import { depthOf, rawElements, rawId, rawMember } from "./ids.mjs";
import {
  cancellation, faultOfRequest, isId, malformed, notification, outcomeOf, refusal, request, response,
} from "./messages.mjs";
import { Queue } from "./queue.mjs";
import { isObject } from "./schema.mjs";
import { Serving } from "./serving.mjs";

const SILENT_INTERVALS = 3;
const MOST_DEPTH = 64;
const STREAM = "$/stream/";

export class Connection {
  #transport;
  #clock;
  #serving;
  #onEnd;
  #onGoaway;
  #ids = 0;
  #pending = new Map(); // id of a call of ours -> { settle, stream? }, a Call for example
  #room = new Queue(); // calls that wait until the node takes more of them
  #limits = { in_flight: Infinity, frame_bytes: Infinity };
  #held = []; // what has come for the methods before they may call back; undefined once they may
  #announces = false;
  #retiring = false;
  #ended = undefined;
  #lastWords = undefined; // what the node said about this connection before it closed it
  #heard;
  #heartbeat;

  // `service` may be undefined. `node` is what its methods call with.
  constructor({ transport, clock, service, node, onEnd, onGoaway, onFailed, onIdle, checks }) {
    this.#transport = transport;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#onGoaway = onGoaway;
    this.#heard = clock.now();
    const idle = () => {
      this.#leaveWhenIdle();
      onIdle();
    };
    this.#serving = new Serving({ service, transport, node, clock, onFailed, onIdle: idle, checks });
    transport.onMessage = (text) => this.#receive(text);
    transport.onEnd = (error) => this.#end(error);
  }

  get ended() {
    return this.#ended !== undefined;
  }

  get underWay() {
    return this.#serving.size;
  }

  // Introduces this side; resolves to the node's answer.
  async introduce(params, options) {
    // `$/goaway` may come right behind the answer.
    this.#announces = (params.serves?.length ?? 0) > 0;
    const answer = await this.call("connect", params, options);
    Object.assign(this.#limits, answer?.limits);
    if (answer?.heartbeat_ms > 0) this.#keepAlive(answer.heartbeat_ms);
    return answer;
  }

  // What has come for the methods, perhaps in one piece with the answer to `connect`, goes to them from now on.
  begin() {
    const held = this.#held;
    this.#held = undefined;
    for (const handle of this.#ended ? [] : held) handle();
  }

  #toMethods(handle) {
    if (this.#held) this.#held.push(handle);
    else handle();
  }

  // The method's result; `members` are those of Call, and of the request.
  call(method, params, members) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#notSent(method));
      const call = new Call(this, this.#clock, method, params, members, resolve, reject);
      if (this.#pending.size < this.#limits.in_flight) this.#begin(call);
      else this.#room.push(call);
    });
  }

  // Begins a stream; `reader` gets `receive(what, params)`, and once `settle({ result, error })`. Gives its id.
  open(method, params, members, reader) {
    if (this.#ended) throw this.#notSent(method);
    const id = ++this.#ids;
    const call = {
      stream: reader,
      settle: (outcome) => {
        this.forget(id);
        reader.settle(outcome);
      },
    };
    this.#pending.set(id, call);
    this.#post(call, () => request(id, method, params, members, members.deadlineMs));
    return id;
  }

  // A message about a stream of ours: the further members as JSON.
  tell(id, what, members = "") {
    this.#transport.send(`{"jsonrpc":"2.0","method":"${STREAM}${what}","params":{"id":${id}${members && `,${members}`}}}`);
  }

  cancel(id) {
    this.#transport.send(cancellation(id));
  }

  notify(method, params) {
    this.#transport.send(notification(method, params));
  }

  // The node takes nothing new: what is under way finishes, then this closes. One that serves leaves that to the node,
  // which may still have calls for it on their way.
  retire() {
    this.#retiring = true;
    this.#leaveWhenIdle();
  }

  // Ends it: calls under way fail, methods under way are aborted.
  close(error = new Error("closed by this side")) {
    this.#transport.close();
    this.#end(error);
  }

  #notSent(method) {
    return unavailable(`${method} not sent: ${this.#ended.message}`, "no");
  }

  #begin(call) {
    call.id = ++this.#ids;
    this.#pending.set(call.id, call);
    this.#post(call, () => request(call.id, call.method, call.params, call.members, call.deadlineMs));
  }

  // Sends what `write` gives for the call; one that cannot be sent is over.
  #post(call, write) {
    let text;
    try {
      text = write();
    } catch (error) {
      return call.settle({ error });
    }
    const most = this.#limits.frame_bytes;
    const bytes = 3 * text.length > most ? Buffer.byteLength(text) : 0;
    if (bytes <= most) return this.#transport.send(text);
    const message = `a message of ${bytes} bytes not sent: the node takes at most ${most} (limits.frame_bytes)`;
    return call.settle({ error: new WeftError(codes.resourceExhausted, message, { executed: "no" }) });
  }

  // A call is over: there is room for the next one that still wants it. `id` is undefined for one that had none yet.
  forget(id) {
    if (id !== undefined) this.#pending.delete(id);
    while (this.#room.length > 0 && !this.#ended && this.#pending.size < this.#limits.in_flight) {
      const next = this.#room.shift();
      if (!next.over) this.#begin(next);
    }
    if (this.#retiring) this.#leaveWhenIdle();
  }

  #leaveWhenIdle() {
    const busy = this.#pending.size > 0 || this.#room.length > 0 || this.#serving.size > 0;
    if (this.#retiring && !busy && !this.#announces && !this.#ended) this.close(new Error("the node is draining"));
  }

  #end(error) {
    if (this.#ended) return;
    if (this.#lastWords) error = new Error(`${error.message}: ${this.#lastWords.message}`);
    this.#ended = error;
    this.#clock.clearTimeout(this.#heartbeat);
    const lost = unavailable(error.message, "unknown");
    for (const call of [...this.#pending.values()]) call.settle({ error: lost });
    while (this.#room.length > 0) this.#room.shift().settle({ error: unavailable(error.message, "no") });
    this.#serving.abortAll(lost);
    this.#onEnd(error);
  }

  // Asks for a sign of life after a silent interval, and leaves after three.
  #keepAlive(interval) {
    if (this.#ended) return;
    const silence = this.#clock.now() - this.#heard;
    const next = () => {
      const since = this.#clock.now() - this.#heard;
      if (since >= interval - 1) this.#beat();
      this.#keepAlive(interval);
    };
    if (silence < SILENT_INTERVALS * interval - 1) {
      this.#heartbeat = this.#clock.setTimeout(next, interval - (silence % interval) + 1);
      return;
    }
    // Whoever was kept from reading hears first what has come meanwhile.
    setImmediate(() => {
      if (this.#ended) return;
      if (this.#clock.now() - this.#heard < silence) return this.#keepAlive(interval);
      this.close(new Error(`the node said nothing for ${Math.round(silence)} ms`));
    });
  }

  #beat() {
    const id = ++this.#ids;
    this.#pending.set(id, { settle: () => this.forget(id), stream: undefined });
    this.#transport.send(request(id, "heartbeat"));
  }

  #receive(text) {
    this.#heard = this.#clock.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch (error) {
      return this.#receiveGarbage(text, error);
    }
    const send = (answer) => this.#transport.send(answer);
    if (Array.isArray(message)) return this.#receiveBatch(message, text, send);
    return this.#handle(message, text, send);
  }

  // Nobody answers a response, however wrong it is; but the call it was for is over.
  #receiveGarbage(text, error) {
    const id = Number(/"id"\s*:\s*(\d+)/.exec(text)?.[1]);
    const call = this.#pending.get(id);
    if (call) call.settle(malformed(error.message));
    else this.#transport.send(refusal(codes.parseError, `no JSON in UTF-8: ${error.message}`));
  }

  // Its requests are answered together, in their order.
  #receiveBatch(messages, text, send) {
    if (messages.length === 0) return send(refusal(codes.invalidRequest, "a batch has at least one message"));
    // Its brackets are not counted.
    if (depthOf(text) > 1 + MOST_DEPTH) return send(refusal(codes.parseError, `nested deeper than ${MOST_DEPTH}`));
    const texts = rawElements(text);
    const answers = [];
    let open = 1;
    const done = () => {
      if (--open === 0 && answers.length > 0) send(`[${answers.join(",")}]`);
    };
    messages.forEach((message, index) => {
      const isRequest = isObject(message) ? "method" in message && "id" in message : true;
      const place = isRequest ? answers.push("") - 1 : 0;
      if (isRequest) ++open;
      this.#handle(message, texts[index], (answer) => {
        if (!isRequest) return answers.push(answer);
        answers[place] = answer;
        return done();
      });
    });
    done();
  }

  #handle(message, text, send) {
    if (!isObject(message)) return send(refusal(codes.invalidRequest, "a message is an object"));
    if (!("method" in message)) return this.#receiveResponse(message, send);
    const fault = faultOfRequest(message);
    const id = message.id === undefined || !isId(message.id) ? undefined : rawId(text, message.id);
    if (fault) {
      const error = JSON.stringify(new WeftError(codes.invalidRequest, fault));
      return send(response(id ?? "null", `"error":${error}`));
    }
    if (id !== undefined) return this.#receiveRequest(message, id, send);
    return this.#receiveNotification(message, text);
  }

  #receiveRequest(message, id, send) {
    if (message.method === "heartbeat") return send(response(id, '"result":"ok"'));
    return this.#toMethods(() => this.#serving.request(message, id, (members) => send(this.#fitting(id, members))));
  }

  #fitting(id, members) {
    const most = this.#limits.frame_bytes;
    if (3 * members.length < most - 1000) return response(id, members);
    const text = response(id, members);
    const bytes = Buffer.byteLength(text);
    if (bytes <= most) return text;
    const message = `an answer of ${bytes} bytes: the node takes at most ${most} (limits.frame_bytes)`;
    const error = new WeftError(codes.resourceExhausted, message, { executed: "unknown" });
    return response(id, `"error":${JSON.stringify(error)}`);
  }

  #receiveNotification(message, text) {
    const { method } = message;
    const params = message.params ?? {};
    if (method.startsWith(STREAM)) this.#receiveOfStream(method.slice(STREAM.length), params, text);
    else if (method === "$/cancelRequest") this.#toMethods(() => this.#serving.cancel(this.#idWithin(params, text)));
    else if (method === "$/goaway") this.#onGoaway(params);
    else if (!method.startsWith("$/") && method !== "heartbeat")
      this.#toMethods(() => this.#serving.request(message, undefined, () => {}));
  }

  #receiveOfStream(what, params, text) {
    if (what === "item" || what === "accept") this.#pending.get(params.id)?.stream?.receive(what, params);
    else this.#toMethods(() => this.#serving.ofStream(what, this.#idWithin(params, text), params));
  }

  // The id that a notification names, as it is written.
  #idWithin(params, text) {
    const usual = JSON.stringify(params.id);
    if (usual === undefined) return undefined;
    if (text.includes(`"params":{"id":${usual}}`) || text.includes(`"params":{"id":${usual},`)) return usual;
    return rawMember(rawMember(text, "params"), "id");
  }

  #receiveResponse(message, send) {
    const call = this.#pending.get(message.id);
    if (call) return call.settle(outcomeOf(message));
    if (message.id === null) this.#lastWords = outcomeOf(message).error;
    if ("result" in message || "error" in message) return undefined;
    return send(refusal(codes.invalidRequest, "a message has a method, a result or an error"));
  }
}
