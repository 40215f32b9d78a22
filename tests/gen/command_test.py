#!/usr/bin/env python3
"""`weft gen` itself: what it takes, what it refuses, and that it always says the same."""

import json
import os
import socket
import sys
import unittest

from gen_case import GenCase, shop, weft
from node_process import NodeProcess

LANGUAGES = {"python": "made.py", "typescript": "made.ts", "cpp": "made.hpp"}
DOCUMENT = {"openrpc": "1.3.2", "info": {"title": "t", "version": "1"}, "methods": [
    {"name": "b.get", "params": [{"name": "id", "required": True, "schema": {"type": "integer"}}],
     "result": {"name": "result", "schema": {"$ref": "#/components/schemas/Thing"}}},
    {"name": "a.get", "params": [{"$ref": "#/components/contentDescriptors/Id"}], "result": {"name": "r", "schema": True}}],
    "components": {"schemas": {"Thing": {"type": "object", "properties": {"x": {"type": "string"}}}},
                   "contentDescriptors": {"Id": {"name": "id", "schema": {"type": "string"}}}}}


class Command(GenCase):
    def gen(self, document, *arguments, language="python"):
        text = document if isinstance(document, str) else json.dumps(document)
        return weft("gen", language, "--from", "-", *arguments, input=text)

    def assert_failed(self, done, code, *complaints):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done)
        for each in complaints:
            self.assertIn(each, done.stderr)

    def test_twice_says_the_same_and_a_file_that_holds_it_is_left_alone(self):
        first = self.open_shop()
        made = {each: self.generate(each, LANGUAGES[each]) for each in LANGUAGES}
        before = {each: os.stat(self.folder / LANGUAGES[each]).st_mtime_ns for each in LANGUAGES}
        first.close()
        # Another connection, with the methods in another order.
        shop.SERVES.reverse()
        self.addCleanup(shop.SERVES.reverse)
        self.open_shop()
        for language, name in LANGUAGES.items():
            with self.subTest(language):
                self.assertEqual(self.generate(language, name), made[language])
                self.assertEqual(os.stat(self.folder / name).st_mtime_ns, before[language])
                self.assertEqual(weft("gen", language, self.node.listen).stdout, made[language])
                answer = weft("call", self.node.listen, "rpc.discover").stdout
                self.assertEqual(self.gen(answer, language=language).stdout, made[language])
                self.assertIn("Finds one, whatever\n", made[language])
                self.assertIn(f"weft gen {language}", made[language].splitlines()[0] + made[language].splitlines()[2])

    def test_patterns_choose_methods(self):
        self.open_shop()
        whole = weft("gen", "python", self.node.listen).stdout
        self.assertIn("shop.logs.*", whole)
        self.assertNotIn("rpc.discover", whole)
        some = weft("gen", "python", self.node.listen, "shop.watch.*").stdout
        self.assertIn("def prices(", some)
        self.assertNotIn("def paint(", some)
        self.assertNotIn("Colour", some)
        self.assertIn("def discover(", weft("gen", "python", self.node.listen, "rpc.*").stdout)
        self.assertIn("class Shop:", weft("gen", "python", self.node.listen, "shop.clear", "--name", "Shop").stdout)
        self.assert_failed(weft("gen", "cpp", self.node.listen, "shp.*"), 1, self.node.listen,
                           'no method matches "shp.*"; there are demo.blocking, ', " more")

    def test_a_pattern_that_languages_would_read_as_theirs(self):
        for name in ('x"""', "it's", "a*/b", "x\\N", 'x"', "end\\"):
            document = {"openrpc": "1.3.2", "info": {"title": "t", "version": "1"},
                        "methods": [{"name": name, "params": [], "result": {"name": "r", "schema": True}}]}
            for language in LANGUAGES:
                with self.subTest(name, language=language):
                    made = self.gen(document, name, language=language)
                    self.assertEqual(made.returncode, 0, made)
                    if language == "python":
                        compile(made.stdout, "made.py", "exec")
                    else:
                        self.assertIn("//", [line for line in made.stdout.splitlines() if "Made by" in line][0].lstrip()[:3])

    def test_standard_documents(self):
        done = self.gen(DOCUMENT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("async def get(self, *options: weft.Options, id: int) -> Thing:", done.stdout)
        self.assertIn("async def get(self, *options: weft.Options, id: str | None = None) -> Any:", done.stdout)
        path = self.folder / "document.json"
        path.write_text(json.dumps(DOCUMENT))
        self.assertEqual(weft("gen", "python", "--from", path, "b.*").stdout, self.gen(DOCUMENT, "b.*").stdout)

    def test_whatever_a_schema_says_something_is_made_of_it(self):
        deep = {"type": "integer"}
        for _ in range(50):
            deep = {"type": "array", "items": deep}
        schemas = [None, True, 7, [], {"$ref": "#/nowhere"}, {"$ref": "other.json#/x"}, {"$ref": "#"}, {"$ref": 4}, deep,
                   {"type": "strange"}, {"type": [1]}, {"enum": []}, {"enum": [{}]}, {"enum": [1, "a", None, 2.5]},
                   {"anyOf": []}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}, {"allOf": [{"type": "string"}, {}]},
                   {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}, "required": ["b"]}]}, {"const": None},
                   {"type": "array", "items": {"$ref": "#"}}, {"type": "object", "properties": {"": {}, "\u202e\n": {}}},
                   {"properties": 3}, {"required": 3, "properties": {"a": {"default": "\n*/ \"\"\""}}}, {"enum": ["", " ", "a\\"]}]
        methods = [{"name": f"m.\u00e4{n}", "params": [], "result": {"schema": each},
                    "x-params-schema": each} for n, each in enumerate(schemas)]
        for language in LANGUAGES:
            with self.subTest(language):
                done = self.gen({"openrpc": "1.2.6", "methods": methods}, language=language)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertNotIn("\u202e", done.stdout)
        compile(self.gen({"openrpc": "1.2.6", "methods": methods}).stdout, "made", "exec")

    def test_other_documents_are_refused(self):
        def with_methods(*methods):
            return {"openrpc": "1.3.2", "methods": [*methods]}

        for document, complaint in (
                ("", "it is no JSON: "), ('{"a": 1', "at byte 7"), ("[" * 100_000, "it is no JSON: "), ("[]", "it is an object, not []"),
                ({}, 'it has no member "openrpc"'), ({"openrpc": 1}, '"openrpc" is a version such as "1.3.2", not 1'),
                ({"openrpc": "2.0"}, 'not "2.0"'), ({"openapi": "3.0.0"}, 'it has no member "openrpc"'),
                ({"openrpc": "1.3.2"}, 'it has no member "methods"'),
                ({"openrpc": "1.3.2", "methods": {}}, '"methods" is an array of methods, not {}'),
                (with_methods({"params": []}), 'each of "methods" has a "name", {"params":[]} does not'),
                (with_methods(4), 'each of "methods" has a "name", 4 does not'),
                (with_methods({"name": "m"}, {"name": "m"}), 'it has two methods called "m"'),
                (with_methods({"name": "m", "params": 3}), '"params" of the method "m" is an array, not 3'),
                (with_methods({"name": "m", "params": [{}]}), 'each of "params" of the method "m" has a "name", {} does not'),
                (with_methods({"name": "m", "params": [{"name": "a"}, {"name": "a"}]}), 'has two params called "a"'),
                (with_methods(), 'no method matches "*"; there are none')):
            with self.subTest(document):
                self.assert_failed(self.gen(document), 1, "standard input: ", complaint)

    def test_help_shows_its_arguments_as_that_of_call_does(self):
        lines = weft("gen", "--help").stdout.splitlines()
        self.assertIn("Usage: weft gen [OPTIONS] LANGUAGE [ADDRESS] [PATTERN]", lines)
        for each in ("  LANGUAGE TEXT REQUIRED ", "  ADDRESS HOST:PORT ", "  PATTERN TEXT "):
            self.assertTrue([line for line in lines if line.startswith(each)], each)

    def test_a_prefix_alone_is_nothing_to_write_a_client_of(self):
        self.open_shop()
        for pattern in ("shop.logs.*", "shop.logs.tail"):
            self.assert_failed(weft("gen", "python", self.node.listen, pattern), 1, self.node.listen,
                               "there is nothing to write: a service that answers a whole prefix (shop.logs.*) does not tell "
                               "its methods; call them by their names, as in node.call")

    def test_tuples(self):
        def schema(**more):
            return {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], **more}

        cases = [(schema(), True), (schema(items=False), True), (schema(minItems=2, maxItems=2), True),
                 (schema(items={"type": "string"}, maxItems=2), True), (schema(items={"type": "string"}), False),
                 (schema(items=True), False), (schema(minItems=1), False), (schema(maxItems=3), False),
                 ({"type": "array", "items": schema()["prefixItems"], "additionalItems": False}, True),
                 ({"type": "array", "items": schema()["prefixItems"], "additionalItems": {}}, False),
                 ({"prefixItems": schema()["prefixItems"]}, True), (schema(prefixItems=[]), False)]
        methods = [{"name": "m", "params": [], "result": {"schema": each}} for each, _ in cases]
        for method, (each, fixed) in zip(methods, cases):
            for language, (of_two, of_any) in {"python": ("-> tuple[str, bool]:", "-> list[Any]:"),
                                               "typescript": ("Promise<[string, boolean]>", "Promise<unknown[]>"),
                                               "cpp": ("call<std::tuple<std::string, bool>>", "call<std::vector<nlohmann::json>>")}.items():
                with self.subTest(language, schema=each):
                    self.assertIn(of_two if fixed else of_any, self.gen({"openrpc": "1.3.2", "methods": [method]}, language=language).stdout)

    def test_wrong_usage(self):
        listen = self.node.listen
        for arguments, complaint in (
                ([], "LANGUAGE"), (["rust", listen], "there is no 'rust'; use one of python, typescript, cpp"),
                (["python"], "is missing; name a node, or a file with --from FILE"),
                (["python", "nowhere"], "nowhere"), (["python", "127.0.0.1:0"], "the port is a number from 1 to 65535"),
                (["python", listen, "a", "b"], "b"), (["python", "--from", "x", "a", "b"], "one argument too many"),
                (["python", listen, "--name", "2b"], "'2b' is no name of a class"),
                (["python", listen, "--outptu", "x"], "flag --outptu: unknown; the nearest known one is --output"),
                (["python", "--from", "/nowhere/document"], "cannot read '/nowhere/document': No such file")):
            with self.subTest(arguments):
                self.assert_failed(weft("gen", *arguments), 64, complaint)
        self.assert_failed(weft("gen", "python", listen, "--output", "/nowhere/made.py"), 1,
                           "cannot write '/nowhere/made.py': No such file")

    def test_a_node_that_is_not_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            done = weft("gen", "python", "127.0.0.1:%d" % unused.getsockname()[1], "--output", self.folder / "made.py")
        self.assert_failed(done, 2, "cannot connect to 127.0.0.1")
        self.assertFalse((self.folder / "made.py").exists())

    def test_a_node_that_asks_for_a_token(self):
        token = self.folder / "token"
        token.write_text("a-token-of-sixteen-bytes-or-more")
        rules = self.folder / "tokens.json"
        rules.write_text(json.dumps({"everyone": {"call": []}, "identities": [
            {"name": "me", "token": token.read_text(), "call": ["*"]}]}))
        for each in (token, rules):
            each.chmod(0o600)
        with NodeProcess("--auth-tokens-file", str(rules)) as node:
            self.assert_failed(weft("gen", "python", node.listen), 1, "rpc.discover")
            self.assertIn("class Mesh:", weft("gen", "python", node.listen, "--token-file", token).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
