"""The certificate of Kafka's listener for programs outside the stack, and the authority that vouches for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = ("KAFKA_CA_CERTIFICATE", "KAFKA_TLS_CERTIFICATE", "KAFKA_TLS_KEY")
HOSTS = ("localhost", "127.0.0.1", "::1", "broker", "broker-2", "broker-3")
VALID = dt.timedelta(days=3650)


def make(hosts: Iterable[str]) -> dict[str, str]:
    """Return a new authority's certificate, a broker's for `hosts` (names and addresses) and its key: PEM, in one line each.

    The authority's key is forgotten, so nobody can make another certificate that its clients believe.
    """
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name("rta authority"), _name("rta broker")
    usage = x509.BasicConstraints(ca=True, path_length=0)
    root = _unsigned(issuer, issuer, authority.public_key()).add_extension(usage, critical=True)
    alternatives = x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys([*HOSTS, *hosts])])
    broker = _unsigned(issuer, subject, key.public_key()).add_extension(alternatives, critical=False)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pems = (*(built.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM) for built in (root, broker)), secret)
    return {name: " ".join(pem.decode().split("\n")).strip() for name, pem in zip(NAMES, pems, strict=True)}


def lines(pem: str) -> str:
    """Return a PEM text in the lines that programs other than Kafka expect."""
    return re.sub(r" (?!CERTIFICATE|PRIVATE|KEY)", "\n", pem.strip()) + "\n"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return x509.DNSName(text)


def _unsigned(issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.timezone.utc)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    # A clock that is a day late believes it, too.
    return builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + VALID)
