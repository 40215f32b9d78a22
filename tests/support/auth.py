"""Tokens, and the files that hold them, for nodes that ask for some."""

import hashlib
import json
import os
import pathlib
import tempfile


def token_of(name):
    """The token of an identity in a test, as long as a real one."""
    return f"{name}-" + "0123456789abcdef" * 2


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()


class Secrets:
    """A folder of files that only their owner may read, removed by the cleanup that is added."""

    def __init__(self, add_cleanup):
        folder = tempfile.TemporaryDirectory()
        add_cleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        os.chmod(path, mode)
        return str(path)

    def table(self, identities, everyone=None, name="tokens.json"):
        """A tokens file; each identity by its name, with a token made from it unless it brings one."""
        entries = [{"name": who, **({} if "token_sha256" in rights else {"token": token_of(who)}), **rights}
                   for who, rights in identities.items()]
        return self.write(name, json.dumps({"identities": entries, **({"everyone": everyone} if everyone else {})}))

    def token(self, who):
        return self.write(f"{who}.token", token_of(who) + "\n")
