"""How far a pull is."""

from trellis_docker.progress import PullProgress


def test_layers_are_added_up_once_a_second() -> None:
    seconds = iter([0.0, 0.0, 0.5, 1.0, 1.2, 2.0])
    progress = PullProgress("shop/website:7.1", lambda: next(seconds))
    mib = 1 << 20
    said = [
        progress.take({"status": "Pulling from shop/website", "id": "7.1"}),
        progress.take({"id": "a", "status": "Downloading", "progressDetail": {"current": 1 * mib, "total": 40 * mib}}),
        progress.take({"id": "b", "status": "Downloading", "progressDetail": {"current": 5 * mib, "total": 60 * mib}}),
    ]
    assert said == ["pulling shop/website:7.1", "", "pulling shop/website:7.1: 6 of 100 MiB"]
    assert progress.take({"id": "a", "status": "Download complete"}) == ""
    assert progress.take({"id": "c", "status": "Waiting"}) == "pulling shop/website:7.1: 45 of 100 MiB"
