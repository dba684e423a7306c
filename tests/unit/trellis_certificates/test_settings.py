import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from trellis.environments.model import Environment
from trellis.errors import ConfigError
from trellis_certificates import trellis_check
from trellis_certificates.settings import PRODUCTION, STAGING, Settings, read_settings, refuse_without_extra

ROOT = Path("/srv/shop")


def read(**found: str) -> Settings:
    return read_settings(found, "prod", ROOT)


def test_without_a_word_trellis_is_its_own_authority() -> None:
    assert read() == Settings("internal", timedelta(days=90))
    assert read().source == "internal"
    assert read(days="30").lifetime == timedelta(days=30)


def test_letsencrypt_is_a_directory() -> None:
    assert read(issuer="letsencrypt").directory == PRODUCTION
    assert read(issuer="letsencrypt", directory="staging", contact="ops@shop.example").directory == STAGING
    own = read(issuer="letsencrypt", directory="https://ca.example/dir", directory_ca="ca.pem")
    assert (own.source, own.title) == ("https://ca.example/dir", "ca.example")
    assert own.directory_ca == "/srv/shop/ca.pem"


def test_files_are_in_a_folder() -> None:
    assert read(issuer="files", folder="/etc/ssl/shop").folder == "/etc/ssl/shop"
    assert read(issuer="files", folder="../keys").folder == "/srv/keys"


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"days": "7"},
        {"issuer": "letsencrypt", "directory": "staging", "contact": "ops@shop.example"},
        {"issuer": "files", "folder": "keys", "ca": "root.pem"},
    ],
)
def test_settings_come_back_as_they_were(found: dict[str, str]) -> None:
    settings = read_settings(found, "prod", ROOT)
    assert read_settings(settings.as_found(), "prod", Path("/")) == settings


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"issuer": "letsencript"}, "certificates.issuer: 'letsencript' is not one of"),
        ({"contact": "ops@shop.example"}, "contact means nothing to the issuer internal"),
        ({"issuer": "letsencrypt", "directory": "http://ca.example"}, "is not the directory of an ACME authority"),
        ({"issuer": "letsencrypt", "contact": "ops"}, "'ops' is not a mail address"),
        ({"issuer": "letsencrypt", "contact": "ops@shop.example,evil@x.example y"}, "is not a mail address"),
        ({"issuer": "files"}, "the issuer files needs a folder"),
        ({"days": "399"}, "'399' is not a number of days from 1 to 398"),
        ({"days": "-1"}, "is not a number of days"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(found: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(found, "prod", ROOT)
    assert said in str(refused.value)
    assert str(refused.value).startswith("environments/prod.yaml: certificates")


def test_without_the_extra_an_acme_issuer_is_refused_with_the_command_that_installs_it() -> None:
    refuse_without_extra("prod")
    with pytest.raises(ConfigError) as refused:
        refuse_without_extra("prod", ("acme", "no_such_library"))
    assert refused.value.what == "the issuer letsencrypt needs no_such_library, which this Trellis does not have"
    assert refused.value.hint == "pip install 'opencluster-trellis[acme]'"


def test_trellis_check_looks_at_the_settings_without_any_host(tmp_path: Path) -> None:
    nothing = MappingProxyType({})
    environment = Environment(
        name="prod",
        file=tmp_path / "prod.yaml",
        hosts=nothing,
        config=nothing,
        pins=nothing,
        strategy="least-loaded",
        pulls_from="",
        certificates={"issuer": "nobody"},
    )
    with pytest.raises(ConfigError, match=r"certificates\.issuer: 'nobody' is not one of"):
        trellis_check(environment, ROOT)
    assert trellis_check(replace(environment, certificates={}), ROOT) == ()


def test_the_plugin_starts_without_the_extra() -> None:
    program = (
        "import sys; sys.modules.update(acme=None, josepy=None)\n"
        "from trellis_certificates import trellis_providers\n"
        "print(sorted(kind for provider in trellis_providers() for kind in provider.kinds))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout == "['acme-answers', 'certificate']\n", ended.stderr
