from datetime import UTC, datetime

from trellis.cli.expiring import certificate_entries, certificate_lines
from trellis.resources import Actual, ResourceKey

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


def on(host: str, name: str, ends: str) -> Actual:
    return Actual(ResourceKey("certificate", f"edge-1/{name}", host), {"name": name}, {"ends": ends})


def test_status_says_how_long_each_certificate_lasts_and_where_it_is() -> None:
    entries = certificate_entries(
        [
            on("ny2", "shop.example", "2030-07-30T12:00:00+00:00"),
            on("ny1", "shop.example", "2030-07-30T12:00:00+00:00"),
            on("ny1", "blog.example", "2030-05-05T12:00:00+00:00"),
            on("ny1", "old.example", "2030-04-30T12:00:00+00:00"),
            on("ny1", "odd.example", ""),
            Actual(ResourceKey("container", "edge-1", "ny1")),
        ],
        NOW,
    )
    assert entries[-1] == {
        "name": "shop.example",
        "host": "ny2",
        "valid_until": "2030-07-30T12:00:00+00:00",
        "days_left": 90,
    }
    assert certificate_lines(entries) == [
        "! certificate blog.example: 4 days left, until 2030-05-05, on ny1",
        "! certificate odd.example: cannot be read, on ny1",
        "! certificate old.example: expired on 2030-04-30, on ny1",
        "= certificate shop.example: 90 days left, until 2030-07-30, on ny1, ny2",
    ]
