"""TLS: what is checked of a node and shown to it, and what went wrong, in words that say what would be right."""

import dataclasses
import os
import re
import ssl
from typing import Literal, NoReturn

from .checks import PATH, TEXT, Kind, check

Path = str | os.PathLike[str]

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
NO_TLS = "it does not speak TLS; {}, or name its TLS port"
WITHOUT = "write tcp://HOST:PORT"
# Where it is an option that asked for TLS, and not the address.
WITHOUT_OPTION = f"{WITHOUT}, or leave out the option tls (--tls, --ca, …)"


TLS_KINDS = {"ca": PATH, "cert": PATH, "key": PATH, "server_name": TEXT,
             "minimum_version": Kind('"1.2" or "1.3"', str, VERSIONS.__contains__)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a node behind TLS is reached. Files are PEM, and read for every connection: renewed ones count for the next.

    `ca` holds the authorities to trust, a file or a folder, instead of the system's. `cert` and `key` are shown to a
    node that asks; the key may be in the file of the certificate. `server_name` is what the node's certificate must be
    for, if not the host of its address. `minimum_version` is "1.2" or "1.3"."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    minimum_version: Literal["1.2", "1.3"] = "1.2"

    def __post_init__(self) -> None:
        check("weft.Tls", TLS_KINDS, {name: getattr(self, name) for name in TLS_KINDS})

    def context(self) -> ssl.SSLContext:
        """Raises ValueError, which names the file that is wrong."""
        if self.key is not None and self.cert is None:
            raise ValueError(f"a key was given, {_shown(self.key)}, without its certificate; give cert, too")
        context = self._trusting()
        context.minimum_version = VERSIONS[self.minimum_version]
        context.set_alpn_protocols(["weft/1"])
        if self.cert is not None:
            self._show(context, self.cert, self.key if self.key is not None else self.cert)
        return context

    def _trusting(self) -> ssl.SSLContext:
        if self.ca is None:
            return ssl.create_default_context()
        if os.path.isdir(self.ca):
            return ssl.create_default_context(capath=self.ca)
        _check_readable("ca", self.ca)
        try:
            return ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError:
            raise ValueError(f"ca: {_shown(self.ca)} holds no certificate in PEM form") from None

    @staticmethod
    def _show(context: ssl.SSLContext, cert: Path, key: Path) -> None:
        _check_readable("cert", cert)
        _check_readable("key", key)

        def no_password() -> NoReturn:
            raise ValueError(f"key: {_shown(key)} is encrypted; give one that is not")

        try:
            context.load_cert_chain(cert, key, no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise ValueError(f"key: {_shown(key)} is not that of the certificate {_shown(cert)}") from None
            raise ValueError(f"cert, key: {_shown(cert)} and {_shown(key)} are no certificate and its key in PEM form "
                             f"({error.reason or error})") from None


TlsOption = bool | ssl.SSLContext | Tls | None
TLS = Kind('True, a weft.Tls, as in tls=weft.Tls(ca="ca.pem"), or an ssl.SSLContext', (bool, ssl.SSLContext, Tls),
           optional=True)


def context_of(tls: TlsOption) -> ssl.SSLContext:
    """As it was given, or one that checks the node's certificate. Raises ValueError."""
    if isinstance(tls, ssl.SSLContext):
        return tls
    return (tls if isinstance(tls, Tls) else Tls()).context()


def name_of(tls: TlsOption) -> str | None:
    return tls.server_name if isinstance(tls, Tls) else None


def _shown(path: Path) -> str:
    return f"'{os.fspath(path)}'"


def _check_readable(what: str, path: Path) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ValueError(f"{what}: cannot read {_shown(path)}: {error.strerror}") from None


def why_silent(secure: bool) -> str:
    """Of a node that ended a connection before it said anything."""
    if secure:
        return "; it may ask for a client certificate (cert and key), or not let in the one that it was shown"
    return "; if it speaks TLS, write tls://HOST:PORT"


EXPIRED, NOT_YET, WRONG_HOST, WRONG_ADDRESS = 10, 9, 62, 64
UNTRUSTED = (2, 18, 19, 20, 21)
# What OpenSSL calls it, and what it means here. Alerts are what the node has to say of us.
REASONS = {
    "WRONG_VERSION_NUMBER": NO_TLS,
    "RECORD_LAYER_FAILURE": NO_TLS,
    "PACKET_LENGTH_TOO_LONG": NO_TLS,
    "HTTP_REQUEST": NO_TLS,
    "UNSUPPORTED_PROTOCOL": "it has no TLS version that is allowed here; lower minimum_version, or raise the node's",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it allows no TLS version that is allowed here; set minimum_version to what it has",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate; give cert and key",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the authority of the client certificate; give one that it does",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses the client certificate as a bad one; give another",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it refuses the client certificate as expired; renew it",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it refuses the client certificate as revoked; give another",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it refuses the client certificate as one that is not for clients",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refuses the handshake; it may ask for a client certificate (cert and key), or "
                                     "have no cipher in common",
    "TLSV1_ALERT_ACCESS_DENIED": "it refuses the client certificate; give one that it lets in",
}


def explain(error: BaseException, handshake: bool = False, by_option: bool = False) -> str:
    """What an error of a connection says; `handshake`: of one that was being made, with TLS, which an option asked for
    or else its address."""
    without = WITHOUT_OPTION if by_option else WITHOUT
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    lost = handshake and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)
    if lost or isinstance(error, ssl.SSLEOFError):
        return ("it ended the connection in the middle of the TLS handshake: it may not speak TLS "
                f"(then {without}), or allow no version of it from minimum_version on")
    if isinstance(error, ssl.SSLError):
        known = REASONS.get(error.reason or "")
        return f"TLS failed: {error.reason or error}" if known is None else known.format(without)
    return _system_words(error)


def _system_words(error: BaseException) -> str:
    """As the system says it; asyncio tells Python's way of writing the address, once for each of a host's."""
    numbers = [error.errno] if isinstance(error, OSError) and error.errno else [
        int(each) for each in re.findall(r"\[Errno (\d+)\]", str(error))]
    if numbers and min(numbers) > 0:
        return " and ".join(dict.fromkeys(os.strerror(each) for each in numbers))
    return getattr(error, "strerror", None) or str(error)


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    said = error.verify_message.rstrip(".")
    code = error.verify_code
    if code == EXPIRED:
        return "the node's certificate has expired; renew it, if the clock here is right"
    if code == NOT_YET:
        return "the node's certificate is not valid yet; the clock here may be wrong, or the node's was"
    if code in (WRONG_HOST, WRONG_ADDRESS):
        return f"the node's certificate is for another name ({said}); give the name that it is for as server_name"
    if code in UNTRUSTED:
        return f"the node's certificate is of an authority that is not trusted here ({said}); give that authority as ca"
    return f"the node's certificate is refused: {said}"
