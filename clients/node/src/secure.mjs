// TLS: what is checked of a node and shown to it, and what went wrong, in words that say what would be right.

import { readFileSync } from "node:fs";
import net from "node:net";
import { kinds } from "./names.mjs";

const VERSIONS = ["TLSv1.2", "TLSv1.3"];
const FILES = { caFile: "ca", certFile: "cert", keyFile: "key" };

// Those of tls.connect, but for where to, and ours.
export const OF_TLS = {
  caFile: kinds.file, certFile: kinds.file, keyFile: kinds.file, servername: kinds.text, minVersion: kinds.any,
  rejectUnauthorized: kinds.flag,
  ...Object.fromEntries(["ca", "cert", "key", "passphrase", "pfx", "maxVersion", "ciphers", "sigalgs", "ecdhCurve", "dhparam",
    "minDHSize", "crl", "secureOptions", "secureContext", "session", "sessionTimeout", "ticketKeys", "requestOCSP",
    "checkServerIdentity", "pskCallback", "ALPNProtocols", "honorCipherOrder", "allowPartialTrustChain", "clientCertEngine",
    "privateKeyEngine", "privateKeyIdentifier", "enableTrace", "secureProtocol", "lookup", "family", "hints",
    "localAddress", "localPort", "keepAlive", "keepAliveInitialDelay", "autoSelectFamily", "autoSelectFamilyAttemptTimeout",
    "highWaterMark"].map((name) => [name, kinds.any])),
};

// The options of tls.connect for a host. Files are read each time, so that renewed ones count for the next connection.
// Throws TypeError for what is wrong with them.
export function secureOptions(tls, host) {
  const { caFile, certFile, keyFile, ...options } = tls === true || tls === undefined ? {} : tls;
  const given = { caFile, certFile, keyFile };
  for (const [name, into] of Object.entries(FILES)) {
    if (given[name] !== undefined) options[into] = read(name, given[name]);
  }
  if (options.key !== undefined && options.cert === undefined) {
    throw new TypeError("tls: a key without its certificate; give cert or certFile, too");
  }
  if (options.cert !== undefined) options.key ??= options.cert;
  if (options.minVersion !== undefined && !VERSIONS.includes(options.minVersion)) {
    throw new TypeError(`tls: minVersion is one of ${VERSIONS.join(", ")}, not '${options.minVersion}'`);
  }
  const servername = options.servername ?? (net.isIP(host) === 0 ? host : undefined);
  return { minVersion: VERSIONS[0], ALPNProtocols: ["weft/1"], ...options, ...(servername && { servername }) };
}

function read(name, path) {
  let text;
  try {
    text = readFileSync(path);
  } catch (error) {
    throw new TypeError(`tls: ${name}: cannot read '${path}': ${error.code}`);
  }
  if (!text.includes("-----BEGIN ")) throw new TypeError(`tls: ${name}: '${path}' holds nothing in PEM form`);
  return text;
}

const UNTRUSTED = new Set(["UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
const WITHOUT = "write tcp://HOST:PORT";
// Where it is an option that asked for TLS, and not the address.
const WITHOUT_OPTION = `${WITHOUT}, or leave out the option tls`;
const NO_TLS = (without) => `it does not speak TLS; ${without}, or name its TLS port`;
// What Node.js calls it, and what it means here. Alerts are what the node has to say of us.
const REASONS = {
  CERT_HAS_EXPIRED: "the node's certificate has expired; renew it, if the clock here is right",
  CERT_NOT_YET_VALID: "the node's certificate is not valid yet; the clock here may be wrong, or the node's was",
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: "it has no TLS version that is allowed here; lower minVersion, or raise the node's",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "it allows no TLS version that is allowed here; set minVersion to what it has",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "it asks for a client certificate; give cert and key",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "it does not trust the authority of the client certificate; give one that it does",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "it refuses the client certificate as a bad one; give another",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "it refuses the client certificate as expired; renew it",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    "it refuses the handshake; it may ask for a client certificate (cert and key), or have no cipher in common",
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: "the key is not that of the client certificate; give the one that is",
};

// The error of a connection, or of making one, in those words.
export function explain(error, handshake = false, byOption = false) {
  const said = sentence(error, handshake, byOption ? WITHOUT_OPTION : WITHOUT);
  return said === undefined ? error : Object.assign(new Error(said, { cause: error }), { code: error.code });
}

function sentence({ code, message, reason }, handshake, without) {
  if (UNTRUSTED.has(code)) {
    return `the node's certificate is of an authority that is not trusted here (${message}); give that authority as ca`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the node's certificate is for another name (${reason}); give the name that it is for as servername`;
  }
  if (handshake && code === "ECONNRESET") {
    return `it ended the connection in the middle of the TLS handshake: it may not speak TLS (then ${without}), or allow no ` +
      "version of it from minVersion on";
  }
  return REASONS[code] === NO_TLS ? NO_TLS(without) : REASONS[code];
}

// Of a node that ended a connection before it said anything.
export const whySilent = (secure) => (secure
  ? "it may ask for a client certificate (cert and key), or not let in the one that it was shown"
  : "if it speaks TLS, write tls://HOST:PORT");
