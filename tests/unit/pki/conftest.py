from datetime import UTC, datetime, timedelta

import pytest

from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def authority() -> Credentials:
    return create_authority("Trellis shop/prod", NOW, timedelta(days=3650))


@pytest.fixture(scope="session")
def server(authority: Credentials) -> Credentials:
    return issue(authority, Leaf("shop.example", Use.SERVER, ("shop.example", "www.shop.example", "10.0.0.11")), NOW)
