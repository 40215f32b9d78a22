// Options, each of a kind: what is none is refused, with the nearest one that is, and so is a value of another kind.

import { isObject, shown } from "./schema.mjs";

// How many letters are to be added, taken away or replaced, or exchanged with the next one.
function distance(one, other) {
  const rows = [Array.from({ length: other.length + 1 }, (_, n) => n)];
  for (let i = 1; i <= one.length; ++i) {
    const row = [i];
    for (let j = 1; j <= other.length; ++j) {
      const replaced = rows[i - 1][j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      row.push(Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, replaced));
      const exchanged = j > 1 && i > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (exchanged) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[one.length][other.length];
}

function nearest(name, names) {
  const [found] = names.map((each) => [distance(name.toLowerCase(), each.toLowerCase()), each]).sort(([a], [b]) => a - b);
  return found && found[0] <= Math.max(1, name.length / 3) ? found[1] : undefined;
}

const isText = (value) => typeof value === "string";
const isFunction = (value) => typeof value === "function";

// What an option is, in words, and whether a value is that.
export const kinds = {
  any: ["anything", () => true],
  flag: ["true or false", (value) => typeof value === "boolean"],
  text: ["a string", isText],
  texts: ["a string or several", (value) => [value].flat().every(isText)],
  file: ["the path of a file, a string or a URL", (value) => isText(value) || value instanceof URL],
  count: ["an integer from 1", (value) => Number.isInteger(value) && value >= 1],
  amount: ["a number from 0", (value) => typeof value === "number" && value >= 0],
  // What is left of some time may be less than nothing.
  time: ["a number of milliseconds", (value) => typeof value === "number" && !Number.isNaN(value)],
  signal: ["an AbortSignal", (value) => isFunction(value?.throwIfAborted)],
  secret: ["a string or a function that gives one", (value) => isText(value) || isFunction(value), { hidden: true }],
  log: ["a function that gets lines, or null", (value) => isFunction(value) || value === null],
};

// `known` has the kind of each option by its name; `whose` is what stands before the sentence. Throws TypeError.
export function checkOptions(options, known, whose = "") {
  if (!isObject(options)) throw new TypeError(`${whose}options are an object, not ${shown(options)}`);
  for (const name in options) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`${whose}${unknown(name, Object.keys(known))}`);
    const value = options[name];
    const [words, fits, { hidden = false } = {}] = known[name];
    if (value === undefined || fits(value)) continue;
    const given = hidden ? `of type ${typeof value}` : typeof value === "number" ? value : shown(value);
    throw new TypeError(`${whose}${name} is ${words}, not ${given}`);
  }
}

function unknown(name, names) {
  const near = nearest(name, names);
  return `there is no option '${name}'; there are ${names.join(", ")}${near === undefined ? "" : `; did you mean '${near}'?`}`;
}
