"""Talks to AWS; the only module here that needs its SDK. What AWS refuses becomes a sentence."""

import asyncio
from collections.abc import Mapping
from typing import Any

from trellis.errors import ApplyError, NotAuthorisedError, TrellisError, UnreachableError
from trellis_aws.settings import Settings
from trellis_dsl.secret import Secret

_ATTEMPTS = 8
"""For each call; AWS asks to be asked again, more slowly, when it throttles."""

_SECONDS = 20

_KEYS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "IncompleteSignature",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_RIGHTS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OperationNotPermitted"})
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})


class Api:
    """One region of one account.

    Args:
        settings: the environment's.
        secret: of the access key, where the settings name one.
    """

    def __init__(self, settings: Settings, secret: Secret | None = None) -> None:
        self._settings, self._secret = settings, secret
        self._clients: dict[str, Any] = {}
        self._making = asyncio.Lock()

    async def call(self, service: str, operation: str, **arguments: object) -> Mapping[str, Any]:
        """What AWS answers to one call.

        Raises:
            ApplyError: it refuses.
            NotAuthorisedError: the credentials are not accepted, or may not do that.
            UnreachableError: it does not answer, or throttles.
        """
        client = await self._client(service)
        answer: Mapping[str, Any] = await self._said(service, operation, getattr(client, operation), arguments)
        return answer

    async def pages(self, service: str, operation: str, key: str, **arguments: object) -> list[dict[str, Any]]:
        """All that a call lists, page by page."""
        client = await self._client(service)

        def every(**arguments: object) -> list[dict[str, Any]]:
            return [one for page in client.get_paginator(operation).paginate(**arguments) for one in page[key]]

        found: list[dict[str, Any]] = await self._said(service, operation, every, arguments)
        return found

    async def _said(self, service: str, operation: str, do: Any, arguments: Mapping[str, object]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return await asyncio.to_thread(do, **arguments)
        except ClientError as error:
            raise self._refused(service, operation, error.response.get("Error", {})) from error
        except BotoCoreError as error:
            raise self._silent(error) from error

    async def _client(self, service: str) -> Any:
        """One client for each service; its own threads may share it."""
        async with self._making:
            if service not in self._clients:
                self._clients[service] = await asyncio.to_thread(self._made, service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        settings = self._settings
        config = Config(
            retries={"mode": "standard", "max_attempts": _ATTEMPTS}, connect_timeout=_SECONDS, read_timeout=_SECONDS
        )
        keys = (
            {"aws_access_key_id": settings.access_key, "aws_secret_access_key": self._secret.reveal()}
            if self._secret
            else {}
        )
        try:
            session = boto3.Session(profile_name=settings.profile or None, region_name=settings.region, **keys)
            return session.client(service, endpoint_url=settings.endpoint or None, config=config)
        except BotoCoreError as error:
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> TrellisError:
        from botocore.exceptions import NoCredentialsError, PartialCredentialsError, ProfileNotFound

        said = str(error).splitlines()[0]
        if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
            return NotAuthorisedError(
                f"AWS is asked without credentials: {said}",
                where=self._settings.region,
                hint="aws configure, AWS_PROFILE, or access_key and access_key_secret in the environment's balancer",
            )
        return UnreachableError(f"AWS does not answer: {said}", where=self._settings.region)

    def _refused(self, service: str, operation: str, error: Mapping[str, str]) -> TrellisError:
        code, said = error.get("Code", ""), error.get("Message", "no reason given")
        where = f"{service} {operation} in {self._settings.region}"
        if code in _BUSY:
            return UnreachableError(f"AWS throttles: {said}", where=where, hint="wait a minute, then run it again")
        if code in _KEYS:
            return NotAuthorisedError(
                f"AWS does not accept the credentials: {said}", where=where, hint="aws sts get-caller-identity"
            )
        if code in _RIGHTS:
            return NotAuthorisedError(
                f"AWS does not allow it: {said}", where=where, hint="give the account the rights in balance-with-aws"
            )
        return RefusedError(f"AWS refuses: {said}", where=where, hint="mend it, then run trellis up again", code=code)


class RefusedError(ApplyError):
    """AWS refused a call; `code` is its own word for the reason."""

    def __init__(self, what: str, *, where: str, hint: str, code: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.code = code
