"""What AWS refuses becomes a sentence, a place and a next command."""

import pytest

from trellis.errors import ApplyError, NotAuthorisedError, TrellisError, UnreachableError
from trellis_aws.api import Api
from trellis_aws.settings import Settings
from trellis_dsl.secret import Secret

SETTINGS = Settings("eu-west-1", ("subnet-a", "subnet-b"), ("sg-1",))


@pytest.mark.parametrize(
    ("code", "kind", "what", "hint"),
    [
        ("Throttling", UnreachableError, "AWS throttles: said", "wait a minute, then run it again"),
        (
            "ExpiredToken",
            NotAuthorisedError,
            "AWS does not accept the credentials: said",
            "aws sts get-caller-identity",
        ),
        ("AccessDenied", NotAuthorisedError, "AWS does not allow it: said", "give the account the rights"),
        ("SubnetNotFound", ApplyError, "AWS refuses: said", "mend it, then run trellis up again"),
    ],
)
def test_a_refusal_says_what_to_do(code: str, kind: type[TrellisError], what: str, hint: str) -> None:
    error = Api(SETTINGS)._refused("elbv2", "create_rule", {"Code": code, "Message": "said"})
    assert isinstance(error, kind)
    assert (error.what, error.where) == (what, "elbv2 create_rule in eu-west-1")
    assert str(error.hint).startswith(hint)


async def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    with pytest.raises(NotAuthorisedError) as refused:
        await Api(SETTINGS).call("elbv2", "describe_load_balancers")
    assert refused.value.what == "AWS is asked without credentials: Unable to locate credentials"
    assert "access_key_secret" in str(refused.value.hint)


def test_a_key_of_its_own_is_never_printed() -> None:
    assert "planted-Zq9-secret" not in repr(vars(Api(SETTINGS, Secret("planted-Zq9-secret"))))
