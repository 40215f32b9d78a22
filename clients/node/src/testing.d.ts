// The types of testing.mjs.

import type { Client, ConnectOptions, Service } from "./index.js";

export interface ErrorMembers {
  readonly code: number;
  readonly message?: string;
  readonly data?: unknown;
}

export interface Times {
  /** To so many calls, then no longer. */
  times?: number;
}

/** A mesh within this process: clients as they are, no sockets, virtual time. */
export class FakeMesh {
  constructor(options?: { node?: string });
  /** Milliseconds since it was made, by its own clock. */
  now(): number;
  /** The params of the calls of this method that have come, in their order. */
  calls(method: string): unknown[];
  connect(options?: ConnectOptions): Promise<Client>;
  serve(service: Service, options?: ConnectOptions): Promise<Client>;
  /** Calls of `method` (a name, `prefix.*` or `*`) fail with this error. */
  fail(method: string, error: ErrorMembers, options?: Times): void;
  /** They reach whoever answers so much later. */
  delay(method: string, ms: number, options?: Times): void;
  /** They are never answered. */
  drop(method: string, options?: Times): void;
  /** Takes back all that was asked for. */
  restore(): void;
  /** Cuts the connections of this name; all without one. */
  disconnect(name?: string): void;
  close(): Promise<void>;
}

export interface StartOptions {
  /** Further arguments of `weft node`. */
  args?: readonly string[];
  /** With its demonstration methods. */
  demo?: boolean;
  /** The context of a test of node:test, with which it is stopped. */
  test?: { after(run: () => unknown): void };
  /** By default what WEFT_BIN names, or `weft` of the PATH. */
  program?: string;
}

export interface StartedNode {
  readonly id: string;
  /** HOST:PORT. */
  readonly address: string;
  readonly adminAddress: string;
  readonly pid: number;
  /** What it has written to standard error. */
  readonly log: string;
  /** Drains it; resolves to its exit status. */
  stop(): Promise<number | string>;
  kill(): Promise<number | string>;
}

/** A real node on free ports. */
export function startNode(options?: StartOptions): Promise<StartedNode>;

/** The path of weft, as startNode finds it. */
export function findProgram(): string;
