// The package: see README.md.

export { Client, connect, serve } from "./client.mjs";
export { caller, outside, sleep } from "./context.mjs";
export { codes, WeftError } from "./errors.mjs";
export { Item, Service } from "./service.mjs";
export { Stream } from "./stream.mjs";
