// weft/testing: what tests of services and clients need. See README.md.

export { FakeMesh } from "./fake_mesh.mjs";
export { findProgram, startNode } from "./start_node.mjs";
