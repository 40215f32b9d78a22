"""Certificates for tests: those of `weft dev-certs`, and such as it would never make."""

import os
import pathlib
import ssl
import subprocess
import tempfile
import time


def run(*command, **more):
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


class Certificates:
    """A folder with a CA and a certificate for each name; `path` is it. Ends with `close`."""

    def __init__(self, *names):
        self._folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._folder.name)
        run(os.environ["WEFT_BIN"], "dev-certs", str(self.path), *(part for name in names for part in ("--name", name)))

    def close(self):
        self._folder.cleanup()

    def file(self, name):
        return str(self.path / name)

    @property
    def ca(self):
        return self.file("ca.pem")

    def options(self, name, *more):
        """What a node that is `name` is told."""
        return ("--tls-cert", self.file(f"{name}.pem"), "--tls-key", self.file(f"{name}.key"), "--tls-ca", self.ca, *more)

    def issue(self, name, sans, begins=-1, ends=30):
        """A certificate with these SANs ("DNS:a", "URI:spiffe://…", "IP:127.0.0.1"), valid between two days from now."""
        config = self.path / f"{name}.cnf"
        config.write_text(f"""
[ca]
default_ca = own
[own]
database = {self.path}/{name}.index
serial = {self.path}/{name}.serial
new_certs_dir = {self.path}
certificate = {self.path}/ca.pem
private_key = {self.path}/ca.key
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
[any]
commonName = supplied
[leaf]
subjectAltName = {", ".join(sans) if sans else "email:nobody@example"}
extendedKeyUsage = serverAuth, clientAuth
""")
        (self.path / f"{name}.index").write_text("")
        (self.path / f"{name}.serial").write_text("%016X\n" % time.time_ns())
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.csr"), "-subj", f"/CN={name}")
        run("openssl", "ca", "-batch", "-notext", "-config", str(config), "-in", self.file(f"{name}.csr"),
            "-out", self.file(f"{name}.pem"), "-startdate", stamp(begins), "-enddate", stamp(ends))
        os.chmod(self.file(f"{name}.key"), 0o600)

    def client(self, name=None, ca=None, protocols=("weft/1",)):
        """What Python's ssl dials with."""
        context = ssl.create_default_context(cafile=ca or self.ca)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if name is not None:
            context.load_cert_chain(self.file(f"{name}.pem"), self.file(f"{name}.key"))
        return context


def stamp(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))
