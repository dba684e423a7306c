"""Talks to an ACME authority; the only module here that needs the libraries `acme` and `josepy`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from acme import challenges, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from trellis.errors import TrellisError
from trellis.pki.issuing import signing_request
from trellis.pki.model import Credentials
from trellis_certificates.account import Account
from trellis_certificates.advice import renewal_id, time_in_window
from trellis_certificates.settings import Settings

_TIMEOUT = 30  # seconds, one request
_ORDER = timedelta(seconds=90)
_DEFAULT_WAIT = timedelta(hours=1)
_BY_CHANCE = frozenset({"badNonce", "serverInternal", "orderNotReady"})
_TOO_MANY = 429
_NONCES = 6


class TryAgainError(TrellisError):
    """It failed by chance: a new order may succeed."""


class AskedToWaitError(TrellisError):
    """The authority asks to wait, as it has a limit on requests.

    Attributes:
        wait: for how long.
    """

    def __init__(self, what: str, wait: timedelta, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.wait = wait


class Authority:
    """One ACME authority, as one account meets it.

    Attributes:
        uri: what it calls the account; empty until it was asked.
    """

    def __init__(self, settings: Settings, account: Account) -> None:
        self._settings = settings
        self.uri = account.uri
        self._silent = False
        self._jwk = JWKEC(key=account.key)
        self._net = _Network(self._jwk, alg=ES256, user_agent="trellis", timeout=_TIMEOUT)
        self._net.roots = settings.directory_ca

    def order(self, key: EllipticCurvePrivateKey, names: Sequence[str]) -> str:
        """A certificate for a key and these names, as PEM: the chain, without the root.

        Raises:
            TryAgainError: it failed by chance.
            AskedToWaitError: a limit was reached.
            TrellisError: refused, or not reachable.
        """
        with self._explained():
            client = self._client()
            order = client.new_order(signing_request(key, names))
            for authorization in order.authorizations:
                if authorization.body.status != messages.STATUS_VALID:
                    client.answer_challenge(*self._answer(authorization))
            done = client.poll_and_finalize(order, datetime.now() + _ORDER)  # noqa: DTZ005 - the library's clock is naive
            return str(done.fullchain_pem)

    def advised_time(self, credentials: Credentials) -> datetime | None:
        """When it wants the certificate to be renewed (RFC 9773 §4.2); None when it does not say.

        An authority that did not answer once is not asked for the advice about other certificates.
        """
        if self._silent:
            return None
        try:
            directory = ClientV2.get_directory(self._settings.directory, self._net)
            url = f"{directory['renewalInfo'].rstrip('/')}/{renewal_id(credentials.certificate)}"
            window = self._net.get(url).json()["suggestedWindow"]
            return time_in_window(str(window["start"]), str(window["end"]), renewal_id(credentials.certificate))
        except (requests.ConnectionError, requests.Timeout):
            self._silent = True
        except (KeyError, ValueError, TypeError, requests.RequestException, errors.Error, messages.Error):
            pass
        return None  # advice is only advice: two thirds of the lifetime hold

    def _client(self) -> ClientV2:
        client = ClientV2(ClientV2.get_directory(self._settings.directory, self._net), self._net)
        if self.uri:
            self._net.account = messages.RegistrationResource(uri=self.uri, body=messages.Registration())
            return client
        contact = self._settings.contact or None
        registration = messages.NewRegistration.from_data(email=contact, terms_of_service_agreed=True)
        try:
            self.uri = client.new_account(registration).uri
        except errors.ConflictError as known:
            self.uri = known.location
            self._net.account = messages.RegistrationResource(uri=self.uri, body=messages.Registration())
        return client

    def _answer(self, authorization: Any) -> tuple[messages.ChallengeBody, challenges.ChallengeResponse]:
        for body in authorization.body.challenges:
            if isinstance(body.chall, challenges.HTTP01):
                return body, body.chall.response(self._jwk)
        name = authorization.body.identifier.value
        raise TrellisError(f"{self._settings.title} does not offer http-01 for {name}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the libraries as sentences."""
        title = self._settings.title
        try:
            yield
        except errors.ValidationError as refused:
            raise self._not_validated(refused) from refused
        except (messages.Error, errors.ClientError) as refused:
            if self._net.last_status == _TOO_MANY or getattr(refused, "code", "") == "rateLimited":
                raise self._wait(refused) from refused
            if getattr(refused, "code", "") == "accountDoesNotExist":
                self.uri = ""  # it has forgotten the account; the key is as good for a new one
                raise TryAgainError(f"{title} does not know the account: {_detail(refused)}") from refused
            if getattr(refused, "code", "") in _BY_CHANCE:
                raise TryAgainError(f"{title} refused: {_detail(refused)}") from refused
            hint = "see environments' certificates: contact, directory"
            raise TrellisError(f"{title} refused: {_detail(refused)}", hint=hint) from refused
        except (errors.TimeoutError, errors.NonceError, errors.IssuanceError) as refused:
            raise TryAgainError(f"{title} did not issue it: {_detail(refused)}") from refused
        except requests.RequestException as fault:
            raise TryAgainError(
                f"{title} does not answer: {_reason(fault)}",
                hint="see certificates.directory, or wait and run it again",
            ) from fault
        except errors.Error as refused:
            raise TrellisError(f"{title} did not issue it: {_detail(refused)}") from refused

    def _not_validated(self, refused: errors.ValidationError) -> TrellisError:
        said = [
            f"{authorization.body.identifier.value}: {body.error.detail}"
            for authorization in refused.failed_authzrs
            for body in authorization.body.challenges
            if body.error is not None
        ]
        return TrellisError(
            f"{self._settings.title} could not validate {'; '.join(said)}",
            hint="the name must lead to the balancers' port 80, from where the authority is",
        )

    def _wait(self, refused: Exception) -> AskedToWaitError:
        wait = self._net.retry_after or _DEFAULT_WAIT
        until = datetime.now(UTC) + wait
        return AskedToWaitError(
            f"{self._settings.title} asks to wait until {until:%Y-%m-%d %H:%M} UTC: {_detail(refused)}",
            wait,
            "wait, then: trellis renew",
        )


class _Network(ClientNetwork):
    """Trusts the roots that the environment names, and remembers what the last answer said about waiting."""

    roots = ""
    last_status = 0
    retry_after: timedelta | None = None

    def post(self, *arguments: Any, **named: Any) -> requests.Response:
        """As the library does it, but a rejected nonce is replaced more than once (RFC 8555 §6.5)."""
        for attempt in range(1, _NONCES + 1):
            try:
                return self._post_once(*arguments, **named)
            except messages.Error as refused:
                if refused.code != "badNonce" or attempt == _NONCES:
                    raise
        raise AssertionError  # the last attempt returns or raises

    def _send_request(self, *arguments: Any, **named: Any) -> requests.Response:
        if self.roots:
            self.verify_ssl = self.roots  # type: ignore[assignment]  # requests takes a file, the library says bool
        answer: requests.Response = super()._send_request(*arguments, **named)
        self.last_status = answer.status_code
        self.retry_after = _retry_after(answer.headers.get("Retry-After", ""))
        return answer


def _retry_after(text: str) -> timedelta | None:
    """Seconds, or a date (RFC 9110 §10.2.3); None when it says nothing."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text))
    try:
        return max(timedelta(0), parsedate_to_datetime(text) - datetime.now(UTC))
    except (ValueError, TypeError):
        return None


def _detail(refused: Exception) -> str:
    return str(getattr(refused, "detail", "") or refused or type(refused).__name__)


def _reason(fault: requests.RequestException) -> str:
    """The innermost reason, without the library's objects around it."""
    reason: BaseException = fault
    while inner := (reason.__cause__ or reason.__context__):
        reason = inner
    return str(reason).rpartition("] ")[2] or type(fault).__name__
