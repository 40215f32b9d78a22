// Names that must be some of a few: what is no option is refused, with the nearest one that is.

import { isObject, shown } from "./schema.mjs";

// How many letters are to be added, taken away or replaced.
function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, n) => n);
  for (let i = 1; i <= one.length; ++i) {
    const next = [i];
    for (let j = 1; j <= other.length; ++j) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length];
}

function nearest(name, names) {
  const [found] = names.map((each) => [distance(name.toLowerCase(), each.toLowerCase()), each]).sort(([a], [b]) => a - b);
  return found && found[0] <= Math.max(1, name.length / 3) ? found[1] : undefined;
}

// `known` is a Set of names, `whose` what stands before the sentence.
export function refuseUnknown(options, known, whose = "") {
  if (!isObject(options)) throw new TypeError(`${whose}options are an object, not ${shown(options)}`);
  for (const name in options) {
    if (known.has(name)) continue;
    const names = [...known];
    const near = nearest(name, names);
    throw new TypeError(`${whose}there is no option '${name}'; there are ${names.join(", ")}` +
      (near === undefined ? "" : `; did you mean '${near}'?`));
  }
}
