import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from trellis.errors import ConfigError
from trellis.pki.model import Credentials
from trellis.pki.pem import (
    bundle,
    dump_certificates,
    dump_key,
    load_certificates,
    load_credentials,
    load_key,
    without_root,
)
from trellis_dsl.secret import Secret


def refusal(text: Secret) -> str:
    with pytest.raises(ConfigError) as refused:
        load_key(text, "key.pem")
    assert refused.value.__cause__ is None
    return str(refused.value)


def test_what_is_written_comes_back(authority: Credentials, server: Credentials) -> None:
    full = Credentials(server.certificate, server.key, (authority.certificate,))
    again = load_credentials(dump_certificates(full.chain), dump_key(full.key), "here")
    assert again.chain == full.chain
    assert again.key.public_key() == full.key.public_key()


def test_a_key_as_text_is_a_secret(server: Credentials) -> None:
    assert str(dump_key(server.key)) == "•••"
    text = bundle(server)
    assert str(text) == "•••"
    assert text.reveal().startswith("-----BEGIN CERTIFICATE-----")
    assert text.reveal().endswith("-----END PRIVATE KEY-----\n")


def test_what_is_no_key_is_refused_without_showing_it(server: Credentials) -> None:
    assert refusal(Secret("hunter2")) == "key.pem: holds no private key that can be read"
    locked = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    assert refusal(Secret(locked)) == "key.pem: the key is encrypted"
    odd = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "is not a kind of key to use" in refusal(Secret(odd))


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"cert\.pem: holds no certificate that can be read"):
        load_certificates(text, "cert.pem")


def test_the_root_is_not_sent(authority: Credentials, server: Credentials) -> None:
    assert without_root((server.certificate, authority.certificate)) == (server.certificate,)
    assert without_root((server.certificate,)) == (server.certificate,)
    assert without_root((authority.certificate,)) == (authority.certificate,)
