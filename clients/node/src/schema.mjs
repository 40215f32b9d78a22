// The part of JSON Schema that methods describe their params with, checked. A mismatch says where it is, what would be
// right and what came.

const KEYWORDS = {
  checked: ["type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "anyOf", "allOf"],
  told: ["title", "description", "default", "examples", "format", "deprecated", "$schema", "$comment", "readOnly",
    "writeOnly"],
};
const TYPES = {
  string: ["a string", (value) => typeof value === "string"],
  integer: ["an integer", (value) => Number.isInteger(value)],
  number: ["a number", (value) => typeof value === "number"],
  boolean: ["true or false", (value) => typeof value === "boolean"],
  array: ["an array", (value) => Array.isArray(value)],
  object: ["an object", (value) => isObject(value)],
  null: ["null", (value) => value === null],
};
const LONGEST_SHOWN = 60;

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

export function shown(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

// "from 1 to 9", "of at least 2 …"; empty when there is no bound.
function bounds(low, high, words) {
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return ` ${words.low} ${low}${words.unit}`;
  if (low === undefined) return ` ${words.high} ${high}${words.unit}`;
  return ` ${words.both} ${low} to ${high}${words.unit}`;
}

// What the schema asks for, to stand behind "is".
export function word(schema) {
  if (schema.const !== undefined) return shown(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(shown).join(", ")}`;
  if (schema.anyOf) return schema.anyOf.map(word).join(" or ");
  if (schema.allOf && !schema.type) return schema.allOf.map(word).join(" and ");
  if (schema.type === undefined) return "any value";
  return [schema.type].flat().map((type) => TYPES[type][0] + restrictions(type, schema)).join(" or ");
}

function restrictions(type, schema) {
  if (type === "integer" || type === "number") {
    const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
    return bounds(minimum, maximum, { low: "from", high: "up to", both: "from", unit: "" }) +
      (above === undefined ? "" : ` above ${above}`) + (below === undefined ? "" : ` below ${below}`);
  }
  const words = { low: "of at least", high: "of at most", both: "of" };
  if (type === "string") {
    return bounds(schema.minLength, schema.maxLength, { ...words, unit: " characters" }) +
      (schema.pattern === undefined ? "" : ` that matches ${schema.pattern}`);
  }
  if (type === "array") {
    const { minItems, items, prefixItems = [], maxItems = items === false ? prefixItems.length : undefined } = schema;
    return minItems !== undefined && minItems === maxItems
      ? ` of ${minItems} elements` : bounds(minItems, maxItems, { ...words, unit: " elements" });
  }
  return "";
}

function refuseUnknown(schema) {
  if (!isObject(schema)) throw new TypeError(`a schema is an object, not ${shown(schema)}`);
  for (const name of Object.keys(schema)) {
    if (KEYWORDS.checked.includes(name) || KEYWORDS.told.includes(name)) continue;
    throw new TypeError(`the keyword '${name}' of a schema is not checked here; ${KEYWORDS.checked.join(", ")} are`);
  }
  for (const type of [schema.type ?? []].flat()) {
    if (Object.hasOwn(TYPES, type)) continue;
    throw new TypeError(`'${type}' is no type of a schema; there are ${Object.keys(TYPES).join(", ")}`);
  }
}

const within = (outer, mismatch) => mismatch && {
  where: mismatch.where.startsWith("[") || mismatch.where === "" ? outer + mismatch.where : `${outer}.${mismatch.where}`,
  what: mismatch.what,
};

// A function that gives undefined for what fits, else { where, what }: 'where' 'what' reads as a sentence.
export function compile(schema) {
  refuseUnknown(schema);
  const checks = [scalarCheck(schema), arrayCheck(schema), objectCheck(schema), combinedCheck(schema)].filter(Boolean);
  if (checks.length === 1) return checks[0];
  return (value) => {
    for (const check of checks) {
      const mismatch = check(value);
      if (mismatch) return mismatch;
    }
    return undefined;
  };
}

function scalarCheck(schema) {
  const types = schema.type === undefined ? undefined : [schema.type].flat().map((type) => TYPES[type][1]);
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, "u");
  const choices = schema.const !== undefined ? [schema.const] : schema.enum;
  const texts = choices?.map((choice) => JSON.stringify(choice));
  const is = `is ${word(schema)}`;
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  const { minLength = 0, maxLength = Infinity } = schema;
  const fits = (value) => {
    if (types && !types.some((isType) => isType(value))) return false;
    if (texts && !texts.includes(JSON.stringify(value))) return false;
    if (typeof value === "number") {
      if (value < minimum || value > maximum) return false;
      if (exclusiveMinimum !== -Infinity && value <= exclusiveMinimum) return false;
      return exclusiveMaximum === Infinity || value < exclusiveMaximum;
    }
    if (typeof value !== "string") return true;
    if (minLength > 0 || maxLength !== Infinity) {
      const { length } = [...value];
      if (length < minLength || length > maxLength) return false;
    }
    return !pattern || pattern.test(value);
  };
  return (value) => (fits(value) ? undefined : { where: "", what: `${is}, not ${shown(value)}` });
}

function arrayCheck(schema) {
  const { items, prefixItems = [], minItems = 0 } = schema;
  const maxItems = items === false ? prefixItems.length : schema.maxItems ?? Infinity;
  if (items === undefined && prefixItems.length === 0 && minItems === 0 && maxItems === Infinity) return undefined;
  const first = prefixItems.map(compile);
  const others = items ? compile(items) : undefined;
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    if (value.length < minItems || value.length > maxItems) {
      return { where: "", what: `is ${word(schema)}, not of ${value.length}` };
    }
    for (let i = 0; i < (others ? value.length : Math.min(first.length, value.length)); ++i) {
      const mismatch = (first[i] ?? others)(value[i]);
      if (mismatch) return within(`[${i}]`, mismatch);
    }
    return undefined;
  };
}

function objectCheck({ properties = {}, required = [], additionalProperties = true }) {
  const checks = new Map(Object.entries(properties).map(([name, each]) => [name, compile(each)]));
  const others = isObject(additionalProperties) ? compile(additionalProperties) : undefined;
  if (checks.size === 0 && required.length === 0 && additionalProperties === true) return undefined;
  return (value) => {
    if (!isObject(value)) return undefined;
    for (const name of required) {
      if (Object.hasOwn(value, name)) continue;
      return { where: name, what: properties[name] ? `is missing, ${word(properties[name])}` : "is missing" };
    }
    for (const [name, each] of Object.entries(value)) {
      const check = checks.get(name) ?? others;
      if (!check && additionalProperties === false) {
        return { where: name, what: `is no member of it; there are ${[...checks.keys()].join(", ") || "none"}` };
      }
      const mismatch = check?.(each);
      if (mismatch) return within(name, mismatch);
    }
    return undefined;
  };
}

function combinedCheck(schema) {
  const any = schema.anyOf?.map(compile);
  const all = schema.allOf?.map(compile);
  if (!any && !all) return undefined;
  return (value) => {
    for (const check of all ?? []) {
      const mismatch = check(value);
      if (mismatch) return mismatch;
    }
    if (!any || any.some((check) => !check(value))) return undefined;
    return { where: "", what: `is ${word({ anyOf: schema.anyOf })}, not ${shown(value)}` };
  };
}
