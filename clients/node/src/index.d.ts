// The types of index.mjs. They need nothing but the language: AbortSignal is declared by lib "dom" or by @types/node.

/** What travels: JSON. Functions and classes do not. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** A JSON schema, or the keywords of it that are checked here. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** The name of a type, with a question mark where it may be absent. */
export type TypeName = "string" | "integer" | "number" | "boolean" | "array" | "object" | "null" | "any"
  | "string?" | "integer?" | "number?" | "boolean?" | "array?" | "object?" | "any?";

export type Params = object | null;
export type Executed = "no" | "unknown";

export const codes: {
  readonly parseError: -32700;
  readonly invalidRequest: -32600;
  readonly methodNotFound: -32601;
  readonly invalidParams: -32602;
  readonly internalError: -32603;
  readonly requestCancelled: -32800;
  readonly deadlineExceeded: 4;
  readonly permissionDenied: 7;
  readonly resourceExhausted: 8;
  readonly unavailable: 14;
  readonly unauthenticated: 16;
};

/** An error answer, or a call that got no answer: codes 4 and 14. */
export class WeftError extends Error {
  constructor(code: number, message: string, data?: unknown, options?: { cause?: unknown });
  readonly code: number;
  readonly data: unknown;
  /** "no": the method certainly did not run. "unknown": it may have. */
  readonly executed: Executed | undefined;
  readonly retryAfterMs: number | undefined;
  toJSON(): { code: number; message: string; data?: unknown };
}

/** What a stream yields, and where a resumable one can go on behind it. */
export class Item<Value = unknown, Cursor = unknown> {
  constructor(value: Value, cursor?: Cursor);
  readonly value: Value;
  readonly cursor: Cursor;
}

/** The call that is being served. */
export interface CallContext {
  readonly method: string;
  /** Aborted when nobody waits for the call any more. */
  readonly signal: AbortSignal;
  /** Until its deadline; Infinity without one. */
  readonly remainingMs: number;
  /** The cursor behind which a resumable stream begins. */
  readonly after: any;
  readonly notification: boolean;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** To make calls with. */
  readonly node: Client;
}

export interface MethodOptions {
  /** What it does, for readers of `rpc.discover` and for generated clients. */
  description?: string;
  params?: readonly string[] | { readonly [name: string]: TypeName | Schema } | (Schema & { readonly type: "object" });
  result?: Schema;
  idempotent?: boolean;
  maxInFlight?: number;
  stream?: boolean;
  item?: Schema;
  input?: Schema;
  resumable?: boolean;
}

export type PlainMethod<P = any, R = unknown> = (params: P, context: CallContext) => R | Promise<R>;
export type StreamMethod<P = any, T = unknown, R = unknown, S = any> =
  (params: P, context: CallContext) => AsyncGenerator<T | Item<T>, R, S>;

export class Service {
  constructor(name: string);
  readonly name: string;
  readonly names: string[];
  /** Adds a method. Throws TypeError for what cannot be one. */
  method<P = any, T = unknown, R = unknown, S = any>(name: string, run: StreamMethod<P, T, R, S>): this;
  method<P = any, T = unknown, R = unknown, S = any>(
    name: string, options: MethodOptions, run: StreamMethod<P, T, R, S>): this;
  method<P = any, R = unknown>(name: string, run: PlainMethod<P, R>): this;
  method<P = any, R = unknown>(name: string, options: MethodOptions, run: PlainMethod<P, R>): this;
}

/** Options of `tls.connect` of node:tls, and files in their place, which are read for every connection. */
export interface TlsOptions {
  /** PEM files of the authorities to trust, of the certificate to show and of its key. */
  caFile?: string | URL;
  certFile?: string | URL;
  keyFile?: string | URL;
  ca?: string | Uint8Array | Array<string | Uint8Array>;
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  passphrase?: string;
  /** What the node's certificate is for, if not the host of the address. */
  servername?: string;
  minVersion?: "TLSv1.2" | "TLSv1.3";
  rejectUnauthorized?: boolean;
  pfx?: unknown;
  maxVersion?: unknown;
  ciphers?: unknown;
  sigalgs?: unknown;
  ecdhCurve?: unknown;
  dhparam?: unknown;
  minDHSize?: unknown;
  crl?: unknown;
  secureOptions?: unknown;
  secureContext?: unknown;
  session?: unknown;
  sessionTimeout?: unknown;
  ticketKeys?: unknown;
  requestOCSP?: unknown;
  checkServerIdentity?: unknown;
  pskCallback?: unknown;
  ALPNProtocols?: unknown;
  honorCipherOrder?: unknown;
  allowPartialTrustChain?: unknown;
  clientCertEngine?: unknown;
  privateKeyEngine?: unknown;
  privateKeyIdentifier?: unknown;
  enableTrace?: unknown;
  secureProtocol?: unknown;
  lookup?: unknown;
  family?: unknown;
  hints?: unknown;
  localAddress?: unknown;
  localPort?: unknown;
  keepAlive?: unknown;
  keepAliveInitialDelay?: unknown;
  autoSelectFamily?: unknown;
  autoSelectFamilyAttemptTimeout?: unknown;
  highWaterMark?: unknown;
}

export interface ConnectOptions {
  /** Who this is. */
  name?: string;
  /** Which of several processes with this name. */
  instance?: string;
  /** Further addresses, after those of the first argument. */
  addresses?: string | readonly string[];
  /** Who this is to a node that asks; by default the variable WEFT_TOKEN. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** How nodes behind TLS are reached; an address without tls:// or tcp:// is one where this is given. */
  tls?: true | TlsOptions;
  /** Served for everyone in the mesh. */
  service?: Service;
  /** For the methods called here to call back; told to nobody. */
  callbacks?: Service;
  /** Deadline of a call that gives none; 30000. */
  timeoutMs?: number;
  /** Further attempts at a call that certainly did not run, or is idempotent; 2. */
  retries?: number;
  backoff?: { firstMs?: number; longestMs?: number; lastedMs?: number };
  connectTimeoutMs?: number;
  heartbeatMs?: number;
  maxFrameBytes?: number;
  /** How long calls may still come once the node knows that this leaves; 500. */
  graceMs?: number;
  /** How long `drain` then waits for what is under way; 10000. */
  drainMs?: number;
  /** Ends it. */
  signal?: AbortSignal;
  /** Gets lines about connections. */
  log?: ((line: string) => void) | null;
}

export interface ServeOptions extends Omit<ConnectOptions, "service" | "callbacks"> {
  /** Signals of the process on which it drains, "SIGTERM" for example. */
  stopOn?: string | readonly string[];
}

export interface CallOptions {
  /** Deadline; it travels with the call. */
  timeoutMs?: number;
  /** Takes the call back. */
  signal?: AbortSignal;
  /** It may be tried again although it may have run. */
  idempotent?: boolean;
  /** Calls with one key reach one instance where `consistent_hash` balances. */
  routeKey?: Json;
  traceparent?: string;
  tracestate?: string;
}

export interface StreamOptions extends CallOptions {
  /** Items that may come ahead; 64. */
  window?: number;
  /** Begins a resumable stream behind this cursor. */
  after?: unknown;
  /** Gives every item as an Item with its cursor. */
  cursors?: boolean;
  /** Goes on behind the last cursor when the connection to the node is lost. */
  resume?: boolean;
}

/** An async generator that runs elsewhere. */
export class Stream<T = unknown, R = unknown, S = any> {
  private constructor();
  /** The cursor of the last item that was taken. */
  readonly cursor: unknown;
  /** The next item; before that the generator gets the value. */
  next(value?: S): Promise<IteratorResult<T, R>>;
  /** Thrown where the generator is suspended. */
  throw(error: unknown): Promise<IteratorResult<T, R>>;
  /** Takes the stream back; resolves when the generator has cleaned up. */
  return(value?: any): Promise<IteratorResult<T, R>>;
  /** No further value will be sent. */
  end(): void;
  [Symbol.asyncIterator](): this;
}

export interface Peer {
  readonly node: string;
  readonly connection: string;
  readonly heartbeat_ms: number;
  readonly limits: { readonly [name: string]: number };
}

/** The events of a Client, and what their listeners get. */
export interface ClientEvents {
  state: [state: Client["state"]];
  connected: [where: { address: string; node: string }];
  disconnected: [error: Error];
  draining: [params: { reason?: string; deadline_ms?: number; handover_ms?: number }];
  failed: [error: unknown, method: string];
  closed: [reason: unknown];
  error: [refusal: WeftError];
}

/** A place at the mesh: an EventEmitter, made by `connect` or `serve`. */
export class Client {
  private constructor();
  readonly state: "connecting" | "connected" | "draining" | "closed";
  readonly address: string | undefined;
  readonly peer: Peer | undefined;
  /** Resolves when it is closed, to why. */
  readonly closed: Promise<unknown>;
  /** The method's result; rejects with WeftError, or with the signal's reason. */
  call<R = unknown>(method: string, params?: Params, options?: CallOptions): Promise<R>;
  /** The method's items. */
  stream<T = unknown, R = unknown, S = any>(method: string, params?: Params, options?: StreamOptions): Stream<T, R, S>;
  /** A call without an answer; false when there is no connection. */
  notify(method: string, params?: Params): boolean;
  /** Takes leave of the mesh, answers what is under way, and closes. */
  drain(): Promise<unknown>;
  close(reason?: Error): Promise<void>;
  on<E extends keyof ClientEvents>(event: E, listener: (...values: ClientEvents[E]) => void): this;
  once<E extends keyof ClientEvents>(event: E, listener: (...values: ClientEvents[E]) => void): this;
  off<E extends keyof ClientEvents>(event: E, listener: (...values: ClientEvents[E]) => void): this;
  emit<E extends keyof ClientEvents>(event: E, ...values: ClientEvents[E]): boolean;
}

/** A Client that has introduced itself to one of the nodes. */
export function connect(addresses: string | readonly string[], options?: ConnectOptions): Promise<Client>;

/** A Client that serves for everyone in the mesh, from when this resolves until it is closed. */
export function serve(addresses: string | readonly string[], service: Service, options?: ServeOptions): Promise<Client>;

/** The call that is being served here, across awaits; undefined outside of one. */
export function caller(): CallContext | undefined;

/** Runs what is no part of the call that is being served: its calls are neither bound by it nor taken back with it. */
export function outside<R>(run: () => R): R;

/** Waits, until the call that is being served is taken back: then it rejects with why. */
export function sleep(ms: number): Promise<void>;
