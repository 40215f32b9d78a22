// What a method takes: declared once, read by name and by position, shown by rpc.discover.

import { codes, WeftError } from "./errors.mjs";
import { compile, isObject, shown, word } from "./schema.mjs";

const NAME = /^(.+?)(\?)?$/s;
const isSchema = (declared) =>
  declared.type === "object" && (declared.properties === undefined || isObject(declared.properties));

// "integer?" and { type: "integer", default: 1 } as { schema, optional }.
function readType(declared) {
  if (typeof declared !== "string") return { schema: declared, optional: declared?.default !== undefined };
  const [, type, optional] = NAME.exec(declared) ?? [];
  return { schema: type === "any" ? {} : { type }, optional: optional !== undefined };
}

function readEntry(key, declared) {
  const [, name, marked] = NAME.exec(key) ?? [];
  if (!name) throw new TypeError("a parameter needs a name");
  const { schema, optional } = readType(declared);
  return { name, schema, optional: optional || marked !== undefined };
}

function readList(declared) {
  if (Array.isArray(declared)) {
    if (declared.every((name) => typeof name === "string")) return declared.map((name) => readEntry(name, "any"));
  } else if (isObject(declared)) {
    if (!isSchema(declared)) return Object.entries(declared).map(([key, each]) => readEntry(key, each));
    const { properties = {}, required = [] } = declared;
    return Object.entries(properties).map(([name, schema]) => ({ name, schema, optional: !required.includes(name) }));
  }
  throw new TypeError(`params are a list of names, an object from names to schemas, or a schema of an object, not ` +
    shown(declared));
}

export class Parameters {
  #list;
  #byName;
  #others;

  constructor(declared) {
    this.#list = readList(declared).map((each) => ({ ...each, check: compile(each.schema), word: word(each.schema) }));
    this.#byName = new Map(this.#list.map((each) => [each.name, each]));
    if (this.#byName.size < this.#list.length) throw new TypeError("each of params needs a name of its own");
    // By JSON Schema an object may have further members; a list of names is the whole list.
    this.#others = isObject(declared) && isSchema(declared) && declared.additionalProperties !== false;
  }

  // For rpc.discover.
  describe(description) {
    if (description === undefined) {
      return this.#list.map(({ name, optional, schema }) => ({ name, required: !optional, schema }));
    }
    // A list has no place for it.
    const properties = Object.fromEntries(this.#list.map(({ name, schema }) => [name, schema]));
    const required = this.#list.filter(({ optional }) => !optional).map(({ name }) => name);
    return { type: "object", description, properties, required };
  }

  // The params of a call as an object. Throws the answer to a call whose params do not fit.
  read(params, method) {
    const named = Array.isArray(params) ? this.#name(params, method) : params ?? {};
    if (!isObject(named)) throw this.#refuse(method, `params are an object or an array, not ${shown(params)}`);
    const values = {};
    for (const [name, value] of Object.entries(named)) {
      const parameter = this.#byName.get(name);
      if (!parameter && !this.#others) throw this.#refuse(method, `'${name}' is no parameter of it`);
      const mismatch = parameter?.check(value);
      if (mismatch) throw mismatched(method, name, mismatch);
      values[name] = value;
    }
    for (const { name, optional, schema, word: wanted } of this.#list) {
      if (Object.hasOwn(values, name)) continue;
      if (!optional) throw this.#refuse(method, `'${name}' is missing, ${wanted}`);
      if (schema.default !== undefined) values[name] = structuredClone(schema.default);
    }
    return values;
  }

  #name(values, method) {
    if (values.length > this.#list.length) throw this.#refuse(method, `${values.length} params came`);
    return Object.fromEntries(values.map((value, index) => [this.#list[index].name, value]));
  }

  #refuse(method, what) {
    return new WeftError(codes.invalidParams, `${method}: ${what}; it takes ${this.#shape()}`);
  }

  #shape() {
    if (this.#list.length === 0) return "no params";
    const members = this.#list.map((each) => `"${each.name}"${each.optional ? "?" : ""}: ${each.word}`);
    return `{${members.join(", ")}}, or the same in an array`;
  }
}

export function mismatched(method, name, { where, what }) {
  const inside = where === "" || where.startsWith("[") ? where : `.${where}`;
  return new WeftError(codes.invalidParams, `${method}: '${name}${inside}' ${what}`);
}
