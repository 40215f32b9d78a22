"""Blocks of commands that are run: which they are, and what they must print."""

import re

OUTPUT = "text output"
RUN = "# run"


def is_run(block):
    return block.language == "sh" and block.text.partition("\n")[0].strip() == RUN


class Expected:
    """The output that a page shows. `…` stands for anything within a line, alone on a line for any lines."""

    def __init__(self, text):
        pattern = re.escape(text).replace("…", r"[^\n]*")
        self._pattern = re.compile(re.sub(r"(?m)^\[\^\\n\]\*\\?\n", r"(?:[^\\n]*\\n)*", pattern))

    def matches(self, output):
        return self._pattern.fullmatch(output) is not None


def runs(page):
    """(block, expected output or None) of every block to run, in the order of the page."""
    for block, after in zip(page.blocks, [*page.blocks[1:], None]):
        if is_run(block):
            yield block, Expected(after.text) if after is not None and after.info == OUTPUT else None
