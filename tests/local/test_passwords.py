"""`make secrets`: passwords and a certificate that nobody else has, where nobody else can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from dotenv import dotenv_values

from operations.local import certificates, obstacles, passwords
from operations.local.settings import load

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """Return what a file of secrets holds."""
    return {name: value or "" for name, value in dotenv_values(path).items()}


def test_every_secret_that_is_needed_is_written_and_differs(tmp_path: Path) -> None:
    path = tmp_path / ".env.secrets"
    passwords.write(path, {}, [])
    found = read(path)
    for asked in ({"BIND_ADDRESS": "0.0.0.0"}, {"SECURITY": "on"}):  # noqa: S104 - not bound
        settings = load({**asked, **found})
        assert obstacles.passwords(settings) + obstacles.logins(settings) == []
    names = (*passwords.NAMES, *passwords.SECURED)
    assert len({found[name] for name in names}) == len(names)
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_in_use_are_kept_and_missing_ones_are_added(tmp_path: Path) -> None:
    path = tmp_path / ".env.secrets"
    path.write_text("GRAFANA_PASSWORD='in use; ü'\n", encoding="utf-8")
    added = passwords.write(path, read(path), [])
    assert "GRAFANA_PASSWORD" not in added
    assert read(path)["GRAFANA_PASSWORD"] == "in use; ü"  # noqa: S105 - of nobody
    assert obstacles.passwords(load({"SECURITY": "on", **read(path)})) == []
    before = path.read_bytes()
    assert passwords.write(path, read(path), []) == []
    assert path.read_bytes() == before


def test_the_certificate_is_for_every_name_of_the_broker_and_from_the_authority(tmp_path: Path) -> None:
    made = passwords.made(["kafka.example", "192.0.2.1"])
    root, broker = (
        x509.load_pem_x509_certificate(certificates.lines(made[name]).encode()) for name in certificates.NAMES[:2]
    )
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "broker", "broker-3", "kafka.example"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "192.0.2.1"} <= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    broker.verify_directly_issued_by(root)
    path = passwords.write_authority(tmp_path / "tls", made["KAFKA_CA_CERTIFICATE"])
    assert x509.load_pem_x509_certificate(path.read_bytes()) == root


def test_the_switch_refuses_what_everybody_knows() -> None:
    (sentence,) = obstacles.passwords(load({"SECURITY": "on"}))
    assert sentence.startswith("SECURITY=on: set ")
    assert "KAFKA_TLS_KEY" in sentence
    assert "QUESTDB_HTTP_PASSWORD" in sentence
    assert "`make secrets`" in sentence
