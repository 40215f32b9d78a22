"""A service whose schemas have everything that `weft gen` reads, and names of every kind."""

from service import Service

COLOUR = {"enum": ["red", "dark-green", "None"], "title": "Colour", "description": "What it looks like."}
DEFINITIONS = {
    "Product": {
        "type": "object",
        "description": "Something to buy.\n\nIts path is C:\\shop\\",
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string", "description": "As the \"\"\"shelf\"\"\" says */ it."},
            "class": {"$ref": "#/$defs/Grade"},
            "unit-price": {"type": ["number", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "made": {"type": "string", "format": "date-time"},
            "category": {"$ref": "#/$defs/Category"},
            "sizes": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["id", "name", "unit-price"],
    },
    "Grade": {"enum": ["new", "used"]},
    "Category": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "parent": {"anyOf": [{"$ref": "#/$defs/Category"}, {"type": "null"}]}},
        "required": ["name"],
    },
}
PRODUCT = {"$defs": DEFINITIONS, "$ref": "#/$defs/Product"}
TREE = {"$defs": {"Tree": {"type": "object", "required": ["children"], "properties": {
    "value": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}}, "$ref": "#/$defs/Tree"}
SHAPE = {"title": "Shape", "oneOf": [
    {"type": "object", "title": "Circle", "required": ["kind", "radius"],
     "properties": {"kind": {"const": "circle"}, "radius": {"type": "number"}}},
    {"type": "object", "title": "Square", "required": ["kind", "side"],
     "properties": {"kind": {"const": "square"}, "side": {"type": "number"}}}]}


# Of two kinds of tuples, one with something that contains itself.
POINT = {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "minItems": 2, "maxItems": 2}
ROUTE = {"$defs": {"Route": {"type": "object", "required": ["at", "next"], "properties": {
    "at": POINT, "next": {"type": "array", "items": False, "prefixItems": [
        {"type": "integer"}, {"anyOf": [{"$ref": "#/$defs/Route"}, {"type": "null"}]}]}}}}, "$ref": "#/$defs/Route"}


def taking(required, optional=None):
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": [*required]}


INTEGER, STRING = {"type": "integer"}, {"type": "string"}
SERVES = [
    {"method": "shop.find", "idempotent": True, "params": {"description": "Finds one, whatever\nit costs.", **taking({"id": INTEGER}, {"class": {"enum": ["new", "used"]}})},
     "result": PRODUCT},
    {"method": "shop.list", "params": taking({}, {"limit": {"type": "integer", "default": 10, "description": "At most."}}),
     "result": {**PRODUCT, "$ref": None, "type": "array", "items": {"$ref": "#/$defs/Product"}}},
    {"method": "shop.add", "params": taking({"product": PRODUCT}), "result": INTEGER},
    {"method": "shop.paint", "params": taking({"colour": COLOUR}), "result": {**COLOUR, "description": "As asked."}},
    {"method": "shop.area", "params": taking({"shape": SHAPE}), "result": {"type": "number"}},
    {"method": "shop.tree", "params": taking({"tree": TREE}), "result": TREE},
    {"method": "shop.class", "params": taking({"from": STRING, "list": STRING, "self": STRING},
                                              {"options": STRING, "my-name": STRING, "my_name": STRING}),
     "result": {"type": "array", "items": STRING}},
    {"method": "shop.2-for-1", "params": [], "result": INTEGER},
    {"method": "shop.2_for_1", "params": [], "result": INTEGER},
    {"method": "shop.clear", "params": [], "result": {"type": "null"}},
    {"method": "shop.anything"},
    {"method": "shop.watch.prices", "params": taking({"id": INTEGER}), "stream": True, "item": {"type": "number"}},
    {"method": "shop.watch.steps", "params": [], "stream": True, "item": POINT, "input": {"enum": ["on", "back"], "title": "Step"}},
    {"method": "shop.locate", "params": taking({"from": POINT}), "result": ROUTE},
    "shop.logs.*",
]
for each in SERVES:
    if isinstance(each, dict) and each.get("result", {}).get("$ref", "") is None:
        del each["result"]["$ref"]

FOUND = {"id": 7, "name": "lamp", "class": "used", "unit-price": 2.5, "tags": ["a", "b"],
         "category": {"name": "light", "parent": {"name": "home"}}, "sizes": {"m": 3}}


def _area(shape):
    return 3 * shape["radius"] ** 2 if shape["kind"] == "circle" else shape["side"] ** 2


ANSWERS = {
    "shop.find": lambda params: {**FOUND, "id": params["id"], **({"class": params["class"]} if "class" in params else {})},
    "shop.list": lambda params: [{"id": n, "name": "lamp", "unit-price": None} for n in range(params.get("limit", 10))],
    "shop.add": lambda params: len(params["product"]),
    "shop.paint": lambda params: params["colour"],
    "shop.area": lambda params: _area(params["shape"]),
    "shop.tree": lambda params: {"value": "root", "children": [params["tree"]]},
    "shop.class": lambda params: [f"{name}={value}" for name, value in sorted(params.items())],
    "shop.2-for-1": lambda params: 1,
    "shop.2_for_1": lambda params: 2,
    "shop.clear": lambda params: None,
    "shop.locate": lambda params: {"at": params["from"], "next": [3, {"at": [2.5, "b"], "next": [4, None]}]},
    "shop.anything": lambda params: params,
}


def answer(got):
    if got.method == "shop.watch.prices":
        for seq, price in enumerate((1.5, 2.5, got.params["id"])):
            got._wire.send({"jsonrpc": "2.0", "method": "$/stream/item",
                            "params": {"id": got.id, "seq": seq, "value": price}})
        got.answer(None)
    elif got.method in ANSWERS:
        got.answer(ANSWERS[got.method](got.params or {}))


def open_shop(node, changed=None):
    """Serves it; `changed` are the entries instead of those with the same method, None for none."""
    serves = []
    for entry in SERVES:
        name = entry if isinstance(entry, str) else entry["method"]
        entry = (changed or {}).get(name, entry)
        if entry is not None:
            serves.append(entry)
    return Service(node, serves, answer)
