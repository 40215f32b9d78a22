"""The checks of a page. Each yields complaints: where it is, what is wrong, what would be right."""

import difflib
import re

import markdown
from commands import is_run

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
OUR_COMMAND = re.compile(r"(?:\S*/)?\bweft (?:node|call|bench|health)\b|\b(?:deploy|tests|bench)/run\.sh"
                         r"|\bconformance (?:run|node)\b")
METRIC = re.compile(r"(?<![\w/.-])(?:weft|rpc_server|rpc_client|process)_[a-z_]*[a-z](?![\w(]|\.\w)")
STARTS_NODE = re.compile(r"\bweft\"? node\b(?!.*--(?:print|check)-)|\s--listen[ =]")
HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")
SHELL = ("sh", "console")


def _nearest(name, known):
    found = difflib.get_close_matches(name, known, 1, 0)
    return f"; the nearest is {found[0]}" if found else ""


def links(page, root):
    """Every relative link leads to a file, every anchor to a heading."""
    for line, target in page.links():
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (root / page.name).parent / path if path else root / page.name
        if not file.exists():
            yield f"{page.name}:{line}: link to {target}: there is no {path}"
        elif anchor and file.suffix == ".md":
            anchors = markdown.parse(target, file.read_text(encoding="utf-8")).anchors()
            if anchor not in anchors:
                yield f"{page.name}:{line}: link to {target}: no such heading{_nearest(anchor, anchors)}"


def quotes(page, root):
    """A block that names a file shows that file or some lines of it, in one piece."""
    for block in page.blocks:
        if not block.argument or "/" not in block.argument:
            continue
        file = root / block.argument
        if not file.is_file():
            yield f"{page.name}:{block.line}: the block quotes {block.argument}, which does not exist"
        elif "\n" + block.text not in "\n" + file.read_text(encoding="utf-8"):
            yield (f"{page.name}:{block.line}: the block is no contiguous part of {block.argument}; copy its "
                   "lines again")


def _code_lines(page):
    for line, code in page.spans():
        yield line, code
    for block in page.blocks:
        # What is run tells by itself whether its options exist; a page may show what a wrong one leads to.
        if block.language in SHELL and not is_run(block):
            for offset, text in enumerate(block.text.splitlines(), 1):
                yield block.line + offset, text


def options(page, known):
    """`known`: the options of each of our commands. Options of other programs are those programs' affair."""
    every = set().union(*known.values())
    for line, code in _code_lines(page):
        for option in OPTION.finditer(code):
            commands = [match for match in OUR_COMMAND.finditer(code) if match.end() <= option.start()]
            if commands:
                command = re.sub(r"^\S*/(?=weft )", "", commands[-1][0])
                allowed = known[command]
            elif code.startswith("--"):
                command, allowed = "any of our programs", every
            else:
                continue
            if option[0] not in allowed:
                yield f"{page.name}:{line}: {option[0]} is no option of {command}{_nearest(option[0], allowed)}"


def metrics(page, known, other_names):
    """`other_names`: names that look like metrics and are none, CMake targets for example."""
    texts = [*page.prose, *((block.line, block.text) for block in page.blocks)]
    for line, text in texts:
        for name in METRIC.findall(text):
            base = next((name.removesuffix(part) for part in HISTOGRAM_PARTS if name.endswith(part)), name)
            if name not in known and base not in known and name not in other_names:
                yield f"{page.name}:{line}: there is no metric {name}{_nearest(name, known)}"


def _listeners(page):
    """(line, address, command) for each address that a command of the page begins to listen on."""
    for block in page.blocks:
        # What is run ends by itself.
        if block.language not in SHELL or is_run(block):
            continue
        for offset, text in enumerate(block.text.splitlines(), 1):
            if not STARTS_NODE.search(text):
                continue
            command = text.rstrip(" &")
            for option, usual in (("--listen", "127.0.0.1:7400"), ("--admin", "127.0.0.1:9464")):
                given = re.search(rf"{option}[ =](\S+)", command)
                yield block.line + offset, given[1] if given else usual, command


def collisions(pages, scripts):
    """Whatever the pages start can run at once: each address is one command's. The demonstration node of 7400 may be started
    on several pages, since it is one for all of them. `scripts`: the addresses of those that start nodes, by address."""
    taken = {address: (script, script) for address, script in scripts.items()}
    for page in pages:
        for line, address, command in _listeners(page):
            demonstration = "--demo" in command and address in ("127.0.0.1:7400", "127.0.0.1:9464")
            what = "the demonstration node" if demonstration else command
            other, where = taken.setdefault(address, (what, f"{page.name}:{line}"))
            if other != what:
                yield f"{page.name}:{line}: {address} is taken by {where}; give `{command}` one of its own"
