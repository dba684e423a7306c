"""What is to be done about a certificate on a host, and why; pure."""

from collections.abc import Iterator
from datetime import datetime

from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis_certificates.model import ANSWERS, AnswersSpec, CertificateSpec, Found

MODE = 0o600
_UNFINISHED = "an earlier run did not finish"
_BY_HAND = "changed by hand, restored"


def decide(desired: Resource | None, actual: Actual | None) -> Decision:
    """What is to be done about one `certificate` or `acme-answers`."""
    if desired is None:
        return Decision(Verb.REMOVE, "no site needs it any more")
    if desired.key.kind == ANSWERS:
        return _decide_answers(AnswersSpec.of(desired.spec), actual)
    return _decide_certificate(CertificateSpec.of(desired.spec), actual)


def drift(actual: Actual) -> str:
    """What somebody else changed since Trellis put it there; empty when nobody did. Pure."""
    found = Found.of(actual)
    if found.unfinished:
        return ""
    if actual.key.kind == ANSWERS:
        last = AnswersSpec.of(actual.spec)
        return _by_others(_answers_differences(last, last, found))
    own = CertificateSpec.of(actual.spec)
    return _by_others(_differences(own, found, ""))


def _by_others(differences: Iterator[tuple[str, bool]]) -> str:
    reason = next((reason for reason, by_others in differences if by_others), "")
    return reason.removesuffix(", restored")


def _decide_certificate(wanted: CertificateSpec, actual: Actual | None) -> Decision:
    until = _until(wanted)
    if actual is None:
        return Decision(Verb.CREATE, f"for {', '.join(wanted.names)}: {wanted.due or until}")
    if wanted.due:
        return Decision(Verb.UPDATE, wanted.due, _change(actual, "a new one"))
    found = Found.of(actual)
    for reason, drift in _differences(wanted, found, until):
        return Decision(Verb.UPDATE, reason, _change(actual, wanted.fingerprint), drift)
    return Decision(Verb.KEEP, until)


def _differences(wanted: CertificateSpec, found: Found, until: str) -> Iterator[tuple[str, bool]]:
    """Reasons to write it again, the first one first, and whether somebody else is behind it."""
    finished = not found.unfinished
    if not finished:
        yield _UNFINISHED, False
    if not found.sha256:
        yield "removed by hand, restored", True
    if found.sha256 != found.written:
        yield _BY_HAND, True
    if found.fingerprint != wanted.fingerprint:
        yield f"another certificate, {until}", False
    if found.mode != MODE:
        yield f"mode {found.mode:04o} → {MODE:04o}", True
    if found.served not in {"", wanted.fingerprint}:
        yield "not served by the running balancer yet", True


def _decide_answers(wanted: AnswersSpec, actual: Actual | None) -> Decision:
    answers = f"answers the challenges of {wanted.directory}"
    if actual is None:
        return Decision(Verb.CREATE, answers)
    for reason, drift in _answers_differences(wanted, AnswersSpec.of(actual.spec), Found.of(actual)):
        return Decision(Verb.UPDATE, reason, drift=drift)
    return Decision(Verb.KEEP, answers)


def _answers_differences(wanted: AnswersSpec, last: AnswersSpec, found: Found) -> Iterator[tuple[str, bool]]:
    if found.unfinished:
        yield _UNFINISHED, False
    if not wanted.thumbprint or last.thumbprint != wanted.thumbprint:
        yield f"another account, at {wanted.directory}", False
    if found.sha256 != found.written:
        yield _BY_HAND, True
    if found.served not in {"", wanted.thumbprint}:
        yield "not answered by the running balancer yet", True


def _until(wanted: CertificateSpec) -> str:
    if not wanted.ends:
        return f"from {wanted.issuer}"
    return f"valid until {datetime.fromisoformat(wanted.ends):%Y-%m-%d}, from {wanted.issuer}"


def _change(actual: Actual, after: str) -> tuple[Change, ...]:
    return (Change("fingerprint", actual.state.get("fingerprint"), after),)
