// Certificates that the `openssl` command makes for a test.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const openssl = (...words) => execFileSync("openssl", words.map(String), { stdio: "ignore" });

export class Authority {
  constructor(folder, name) {
    this.folder = folder;
    this.name = name;
    this.key = join(folder, `${name}.key`);
    this.cert = join(folder, `${name}.pem`);
    openssl("req", "-x509", ...KEY, "-keyout", this.key, "-out", this.cert, "-days", 2, "-subj", `/CN=${name}`);
  }

  // Files of a certificate and its key; `names` such as "DNS:localhost".
  sign(name, names = [], days = 1) {
    const [cert, key, request, more] = ["pem", "key", "csr", "ext"].map((end) => join(this.folder, `${this.name}-${name}.${end}`));
    openssl("req", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
    writeFileSync(more, names.length > 0 ? `subjectAltName=${names.join(",")}\n` : "");
    openssl("x509", "-req", "-in", request, "-CA", this.cert, "-CAkey", this.key, "-CAcreateserial", "-out", cert, "-days", days,
      "-extfile", more);
    return { cert, key };
  }
}
