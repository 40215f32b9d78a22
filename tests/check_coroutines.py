#!/usr/bin/env python3
"""Checks the rules for coroutines that no compiler warns about.

A coroutine outlives the statement that called it. So it must not be a lambda with captures, must not take
references or views, and must hold no lock and no thread_local while it may be suspended.

    check_coroutines.py [ROOT | FILE...]     # ROOT defaults to the repository

A finding is excepted by a comment on its line, or on a line of its own above: // coroutine-rules: <reason>
Exit status: 0 nothing found, 1 findings, 2 wrong usage.
"""

import dataclasses
import pathlib
import re
import sys

FOLDERS = ("proto", "actors", "node", "include", "examples")
SUFFIXES = (".hpp", ".cpp")

ADVICE = {
    "capturing-lambda": "the captures die before the coroutine does; write a free or static function, or an empty"
    " capture list, and pass values as parameters",
    "reference-parameter": "the referred object may be gone after a suspension; take a value or a handle",
    "rvalue-reference-parameter": "it refers to a temporary that is gone after a suspension; take a value",
    "view-parameter": "the viewed bytes may be gone after a suspension; take std::string, std::vector or another"
    " value",
    "lock": "it would be held, perhaps on another thread, while the coroutine is suspended; lock in a function that is"
    " no coroutine",
    "thread-local": "the coroutine may go on with another thread; keep it in the actor's state",
    "detach": "nothing is detached; spawn it in the scope of the actor that owns it",
    "unrecognised": "no function is recognised around this co_await, co_return or co_yield; write the function's head"
    " without macros, or teach tests/check_coroutines.py its form",
    "unbalanced": "this bracket has no partner, so the file cannot be checked; close it, or move the #if out of it",
}

KEYWORDS = {"co_await", "co_return", "co_yield"}
VIEWS = {"string_view", "span", "reference_wrapper", "initializer_list"}
LOCKS = {"lock_guard", "unique_lock", "scoped_lock", "shared_lock"}
CONTROL = {"if", "for", "while", "switch", "catch"}
# Between the parameters of a function and its body.
SPECIFIERS = {"const", "noexcept", "override", "final", "mutable", "constexpr", "volatile", "static", "&", "&&"}
# What cannot be part of a trailing return type or requires-clause.
STOPPERS = {";", "{", "}", "(", "[", "=", "struct", "class", "union", "enum", "namespace", "return", "co_return",
            "co_await", "co_yield", "else", "do", "try", "new", "case", "default", "throw"}
PARTNERS = {")": "(", "]": "[", "}": "{"}

TOKEN = re.compile(
    r"""(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
      |(?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
      |(?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
      |(?P<number>\.?\d(?:[eEpP][+-]|'[0-9A-Za-z_]|[0-9A-Za-z_.])*)
      |(?P<word>[A-Za-z_]\w*)
      |(?P<directive>(?m:^[ \t]*)\#(?:\\\n|/\*.*?\*/|//[^\n]*|[^\n])*)
      |(?P<mark>::|->|&&|\|\||<=>|<<=|[<>=!]=|[^\s])""",
    re.VERBOSE | re.DOTALL,
)
ALLOW = re.compile(r"//\s*coroutine-rules:\s*\S")


@dataclasses.dataclass(frozen=True)
class Token:
    text: str
    line: int


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {ADVICE[self.rule]}"


@dataclasses.dataclass
class Function:
    """The head of a body: where its parameters and captures are, as token positions; None where it has none."""

    parameters: tuple | None
    captures: tuple | None


def tokenize(text):
    """The tokens that matter to the grammar, and the lines whose findings are excepted."""
    tokens, allowed, line, last_end, code_line = [], set(), 1, 0, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", last_end, match.start())
        last_end = match.start()
        kind = match.lastgroup if match.lastgroup != "delimiter" else "raw"
        if kind == "comment":
            if ALLOW.match(match.group()):
                allowed.add(line if code_line == line else line + 1)
        elif kind in ("word", "mark"):
            tokens.append(Token(match.group(), line))
        elif kind != "directive":
            tokens.append(Token("0", line))
        if kind != "comment":
            code_line = line + match.group().count("\n")
    return tokens, allowed


class Source:
    """One file: its tokens with the partner of every bracket."""

    def __init__(self, path, text):
        self.path = path
        self.tokens, self.allowed = tokenize(text)
        self.partner = {}
        self.unbalanced = self._match()
        self.coroutines = 0

    def _match(self):
        open_brackets = []
        for i, token in enumerate(self.tokens):
            if token.text in PARTNERS.values():
                open_brackets.append(i)
            elif token.text in PARTNERS:
                if not open_brackets or self.text(open_brackets[-1]) != PARTNERS[token.text]:
                    return i
                first = open_brackets.pop()
                self.partner[first], self.partner[i] = i, first
        return open_brackets[-1] if open_brackets else None

    def text(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    # Which function a brace is the body of.

    def function_of(self, brace):
        """The function or lambda whose body opens at `brace`; None for any other brace."""
        i = brace - 1
        while True:
            text = self.text(i)
            if text in SPECIFIERS:
                i -= 1
            elif text == "]" and self.text(i - 1) == "]":
                i = self.partner[i] - 1
            elif text == "]":
                first = self.partner[i]
                return Function(None, (first, i)) if self._introduces_lambda(first) else None
            elif text == ")" and not self._ends_clause(i):
                return self._function_with_parameters(self.partner[i], i)
            else:
                i = self._before_clause(i)
                if i is None:
                    return None

    def _introduces_lambda(self, bracket):
        before = self.text(bracket - 1)
        return before in ("return", "co_return", "co_await", "co_yield") or not re.match(r"\w|[\])]", before)

    def _ends_clause(self, close):
        """Whether `)` ends noexcept(...), or what can only stand in a return type or requires-clause."""
        before = self.text(self.partner[close] - 1)
        return before in ("noexcept", "requires", "decltype", "&&", "||", "!")

    def _before_clause(self, i):
        """The position before the noexcept(...), trailing return type or requires-clause that ends at `i`."""
        while i >= 0:
            text = self.text(i)
            if text in ("->", "requires", "noexcept"):
                return i - 1
            if text in (")", "]"):
                i = self.partner[i]
            elif text in STOPPERS or text in CONTROL:
                return None
            i -= 1
        return None

    def _function_with_parameters(self, first, last):
        i = first - 1
        if self.text(i) in CONTROL or (self.text(i) == "constexpr" and self.text(i - 1) == "if"):
            return None
        if self.text(i) == ">":  # []<class T>(T x)
            i = self._before_angles(i)
        captures = None
        if self.text(i) == "]" and self._introduces_lambda(self.partner[i]):
            captures = (self.partner[i], i)
        return Function((first, last), captures)

    def _before_angles(self, i):
        depth = 0
        while i >= 0:
            depth += {">": 1, "<": -1}.get(self.text(i), 0)
            i -= 1
            if depth == 0:
                break
        return i

    # The rules.

    def findings(self):
        if self.unbalanced is not None:
            return [self._finding("unbalanced", self.unbalanced)]
        owner, coroutines = self._bodies()
        found = [
            self._finding("unrecognised", i)
            for i in range(len(self.tokens))
            if owner[i] is None and self._suspends(i)
        ]
        for brace, function in coroutines.items():
            found += self._check_head(function)
            found += self._check_body(brace, owner)
        self.coroutines = len(coroutines)
        return sorted({f for f in found if f.line not in self.allowed})

    def _bodies(self):
        """For every token the brace of the innermost function it is in, and the functions that are coroutines."""
        owner, coroutines, functions, stack = [], {}, {}, [None]
        for i, token in enumerate(self.tokens):
            if token.text == "{":
                function = self.function_of(i)
                if function is not None:
                    functions[i] = function
                stack.append(i if function is not None else stack[-1])
            owner.append(stack[-1])
            if token.text == "}":
                stack.pop()
            elif stack[-1] is not None and self._suspends(i):
                coroutines[stack[-1]] = functions[stack[-1]]
        return owner, coroutines

    def _suspends(self, i):
        return self.text(i) in KEYWORDS and self.text(i - 1) != "operator"

    def _check_head(self, function):
        found = []
        if function.captures and function.captures[1] - function.captures[0] > 1:
            found.append(self._finding("capturing-lambda", function.captures[0]))
        if function.parameters:
            found += self._check_parameters(*function.parameters)
        return found

    def _check_parameters(self, first, last):
        found, angles, is_default, i = [], 0, False, first + 1
        while i < last:
            text = self.text(i)
            if text in ("(", "[", "{"):  # a function type, an array, an attribute, a default
                i = self.partner[i]
            elif text == "," and angles == 0:
                is_default = False
            elif text == "=":
                is_default = True
            elif text in ("<", ">"):
                angles += 1 if text == "<" else -1
            elif not is_default and text == "&" and angles == 0:
                found.append(self._finding("reference-parameter", i))
            elif not is_default and text == "&&" and angles == 0:
                found.append(self._finding("rvalue-reference-parameter", i))
            elif not is_default and text in VIEWS:
                found.append(self._finding("view-parameter", i))
            i += 1
        return found

    def _check_body(self, brace, owner):
        found = []
        for i in range(brace, self.partner[brace]):
            if owner[i] != brace:
                continue
            text = self.text(i)
            if text in LOCKS:
                found.append(self._finding("lock", i))
            elif text == "thread_local":
                found.append(self._finding("thread-local", i))
            elif text == "detach" and self.text(i + 1) == "(" and self.text(i - 1) in (".", "->"):
                found.append(self._finding("detach", i))
        return found

    def _finding(self, rule, i):
        return Finding(self.path, self.tokens[i].line, rule)


def check_file(path, name=None):
    """The findings in one file and the number of coroutines it has."""
    source = Source(str(name or path), pathlib.Path(path).read_text(encoding="utf-8"))
    found = source.findings()
    return found, source.coroutines


def sources(root):
    for folder in FOLDERS:
        yield from sorted(p for p in (root / folder).rglob("*") if p.suffix in SUFFIXES)


def main(arguments):
    paths = [pathlib.Path(a) for a in arguments] or [pathlib.Path(__file__).resolve().parent.parent]
    for path in paths:
        if not path.exists():
            print(f"check_coroutines.py: there is no {path}; give the repository or files in it", file=sys.stderr)
            return 2
    files = [(f, f.relative_to(p)) for p in paths if p.is_dir() for f in sources(p)]
    files += [(p, p) for p in paths if p.is_file()]
    found, coroutines = [], 0
    for path, name in files:
        in_file, count = check_file(path, name)
        found += in_file
        coroutines += count
    for finding in found:
        print(finding)
    print(f"{coroutines} coroutines in {len(files)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
