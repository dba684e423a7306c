"""What watching says and when it acts."""

from trellis.watching import Look, Watched, judge

GONE = Look(("create container web-1 on a: removed by hand, made again",))
FINE = Look()


def looks(
    *found: tuple[float, Look], maintain: str = "always", grace: float = 60
) -> list[tuple[tuple[str, ...], bool]]:
    watched = Watched()
    said = []
    for now, look in found:
        verdict = judge(watched, look, now, maintain=maintain, grace=grace)  # type: ignore[arg-type]
        watched = verdict.watched
        said.append((verdict.sentences, verdict.apply))
    return said


def test_only_news_is_said() -> None:
    assert looks((0, FINE), (1, FINE), (2, GONE), (3, GONE), (4, FINE), maintain="triggered") == [
        (("everything is as the stack says",), False),
        ((), False),
        (("1 change pending", f"  {GONE.changes[0]}"), False),
        ((), False),
        (("everything is as the stack says",), False),
    ]


def test_a_certificate_that_ends_soon_is_said_once_and_again_when_a_day_has_gone() -> None:
    four, three = (Look(expiring=(f"certificate shop.example: {left} days left",)) for left in (4, 3))
    assert [said for said, _ in looks((0, FINE), (1, four), (2, four), (3, three), (4, FINE))] == [
        ("everything is as the stack says",),
        ("certificate shop.example: 4 days left",),
        (),
        ("certificate shop.example: 3 days left",),
        (),
    ]


def test_nothing_is_ever_done_unless_the_environment_says_always() -> None:
    assert not any(acts for _, acts in looks((0, GONE), (1_000, GONE), (2_000, GONE), maintain="triggered"))


def test_changes_have_to_last_for_the_grace_period() -> None:
    assert [acts for _, acts in looks((0, GONE), (59, GONE), (60, GONE))] == [False, False, True]
    flapping = looks((0, GONE), (30, FINE), (59, GONE), (61, GONE), (90, FINE), (118, GONE))
    assert not any(acts for _, acts in flapping)


def test_nothing_is_done_while_a_host_is_silent_and_its_return_is_said() -> None:
    lost = Look(GONE.changes, frozenset({"b"}))
    said = looks((0, GONE), (60, lost), (200, lost), (201, GONE), (261, GONE))
    assert [acts for _, acts in said] == [False, False, False, False, True]
    assert said[1][0] == ("b does not answer; what it carries stays as it is",)
    assert said[3][0] == ("b answers again",)


def test_a_fault_of_the_stack_is_said_once_and_nothing_is_done() -> None:
    broken = Look(problem="stack.py:3: it is not")
    assert looks((0, GONE), (100, broken), (200, broken), (300, GONE))[1:] == [
        (("stack.py:3: it is not",), False),
        ((), False),
        (("1 change pending", f"  {GONE.changes[0]}"), False),
    ]
