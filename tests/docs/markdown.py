"""What the checks need to know about a Markdown page: fenced blocks, code spans, links, headings."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {"build", "node_modules"}

FENCE = re.compile(r"^(`{3,})(.*)$")
SPAN = re.compile(r"(`+)(.+?)\1")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$")
# GitHub's anchors: lower case, no punctuation, hyphens for spaces.
NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclasses.dataclass
class Block:
    """A fenced block: `info` is what follows the opening fence, `line` the number of that line."""

    line: int
    info: str
    text: str

    @property
    def language(self):
        return self.info.split(" ")[0]

    @property
    def argument(self):
        return self.info.partition(" ")[2].strip()


@dataclasses.dataclass
class Page:
    """`prose` holds (line number, text) of every line outside of the blocks."""

    name: str
    blocks: list
    prose: list

    def links(self):
        for line, text in self.prose:
            for target in LINK.findall(SPAN.sub("", text)):
                yield line, target

    def spans(self):
        for line, text in self.prose:
            for _, code in SPAN.findall(text):
                yield line, code

    def anchors(self):
        return {NOT_IN_ANCHOR.sub("", heading[1].lower()).replace(" ", "-")
                for _, text in self.prose if (heading := HEADING.match(text))}


def parse(name, text):
    """Raises ValueError for a block that is never closed: everything behind it would go unchecked."""
    blocks, prose = [], []
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence, lines = mark[1], []
            blocks.append(Block(number, mark[2].strip(), ""))
        elif fence is not None and mark and mark[1] == fence and not mark[2].strip():
            blocks[-1].text = "".join(line + "\n" for line in lines)
            fence = None
        elif fence is not None:
            lines.append(line)
        else:
            prose.append((number, line))
    if fence is not None:
        raise ValueError(f"{name}:{blocks[-1].line}: this block is never closed; end it with {fence}")
    return Page(name, blocks, prose)


def pages(root=ROOT):
    """Every Markdown page of the tree."""
    found = []
    for path in sorted(root.rglob("*.md")):
        folders = path.relative_to(root).parts[:-1]
        if not any(folder in NOT_OURS or folder.startswith(".") for folder in folders):
            found.append(parse(str(path.relative_to(root)), path.read_text(encoding="utf-8")))
    return found
