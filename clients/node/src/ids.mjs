// Ids as they are written: `1`, `1.0` and `"1"` are three, and no number holds 2^64. JSON.parse forgets all that, so what
// it cannot give back is read from the text.

const STRING = /"(?:[^"\\]|\\.)*"/y;
const SCALAR = /[^\s,\]}]+/y;
const SPACE = /\s*/y;

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)[0];
}

const skipSpace = (text, at) => at + match(SPACE, text, at).length;

// The end of the value that begins at `at`, in a text that is JSON.
function endOfValue(text, at) {
  if (text[at] === '"') return at + match(STRING, text, at).length;
  if (text[at] !== "{" && text[at] !== "[") return at + match(SCALAR, text, at).length;
  let depth = 0;
  do {
    if (text[at] === '"') at += match(STRING, text, at).length;
    else {
      if (text[at] === "{" || text[at] === "[") ++depth;
      else if (text[at] === "}" || text[at] === "]") --depth;
      ++at;
    }
  } while (depth > 0);
  return at;
}

// The text of a member of the object `text`; undefined when there is none.
export function rawMember(text, name) {
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const end = endOfValue(text, at);
    const key = JSON.parse(text.slice(at, end));
    at = skipSpace(text, skipSpace(text, end) + 1);
    const endOfIt = endOfValue(text, at);
    if (key === name) return text.slice(at, endOfIt);
    at = skipSpace(text, skipSpace(text, endOfIt) + 1);
  }
  return undefined;
}

// How deep the value `text` nests: 1 for an array of numbers.
export function depthOf(text) {
  let deepest = 0;
  for (let at = 0, depth = 0; at < text.length; ) {
    if (text[at] === '"') {
      at += match(STRING, text, at).length;
      continue;
    }
    if (text[at] === "{" || text[at] === "[") deepest = Math.max(deepest, ++depth);
    else if (text[at] === "}" || text[at] === "]") --depth;
    ++at;
  }
  return deepest;
}

// The elements of the array `text`, each as it is written.
export function rawElements(text) {
  const elements = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] !== "]") {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return elements;
}

// The id of a message, as written. `id` is its value, to tell the usual ones at a glance.
export function rawId(text, id) {
  const usual = JSON.stringify(id);
  if (text.startsWith(`{"jsonrpc":"2.0","id":${usual},`)) return usual;
  return rawMember(text, "id");
}
