"""Certificates that the `openssl` command makes for a test."""

import subprocess


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.certificate, "-days", 2, "-subj", f"/CN={name}")

    def sign(self, name, *alternatives, days=1):
        """Certificate and key; `alternatives` such as "DNS:localhost"."""
        certificate, key, request, more = (self.folder / f"{self.name}-{name}.{end}"
                                           for end in ("pem", "key", "csr", "ext"))
        openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        more.write_text(f"subjectAltName={','.join(alternatives)}\n" if alternatives else "")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-out", certificate, "-days", days, "-extfile", more)
        return certificate, key


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True)
