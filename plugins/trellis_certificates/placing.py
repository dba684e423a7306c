"""Puts files into the folders of balancers, has them taken into use, and asks the running balancer for them."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from pathlib import Path

from trellis.errors import ApplyError
from trellis.pki.identifying import fingerprint
from trellis.pki.model import Credentials
from trellis.pki.pem import bundle
from trellis.plans import Step
from trellis.plugin.contracts import Applying, UsesCertificates
from trellis.values import freeze_mapping
from trellis_certificates.account import kept_account, thumbprint
from trellis_certificates.asking import answered, served, until
from trellis_certificates.brought import brought
from trellis_certificates.deciding import MODE
from trellis_certificates.holding import drop, hold
from trellis_certificates.issuing import Issuing
from trellis_certificates.model import ANSWERS, AnswersSpec, CertificateSpec, Found, answers_text, plain
from trellis_certificates.record import ROOT, Record, record_path
from trellis_certificates.scripts import script
from trellis_certificates.settings import Settings, read_settings
from trellis_certificates.wanted import Wanted

_ANSWERS_MODE = 0o644
_SECONDS_TO_SERVE = 20.0


class Placing:
    """The files of one run."""

    def __init__(self) -> None:
        self._turns: MutableMapping[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def certificate(self, step: Step, applying: Applying, issuing: Issuing) -> None:
        """Issue it where it is due, and put it in place.

        Raises:
            TrellisError: see `CertificateProvider.apply`.
        """
        assert step.resource is not None  # noqa: S101 - a step that changes something has a resource
        spec = CertificateSpec.of(step.resource.spec)
        credentials = await _credentials(spec, applying, issuing)
        now = fingerprint(credentials.certificate)
        if _stands(step, now):
            return
        if not spec.path:
            await hold(step, applying, spec.name, credentials)
            return
        spec = replace(spec, fingerprint=now, ends=credentials.ends().isoformat(), due="")
        file = _File(step, applying, plain(spec), spec.path, bundle(credentials).reveal().encode(), MODE)
        await file.write()
        await self._use(applying, spec, now, lambda: served(applying.session, spec.ports, spec.name), Path(spec.path))
        await file.finish()

    async def answers(self, step: Step, applying: Applying) -> None:
        """Make the account's key where there is none, and have challenges answered with it."""
        assert step.resource is not None  # noqa: S101 - likewise
        assert applying.tools.keeper is not None  # noqa: S101 - for the type checker: a run has one
        spec = AnswersSpec.of(step.resource.spec)
        account = kept_account(Settings("letsencrypt", directory=spec.directory), applying.tools.keeper)
        spec = replace(spec, thumbprint=thumbprint(account.key))
        text = answers_text(spec.thumbprint).encode()
        file = _File(step, applying, plain(spec), spec.path, text, _ANSWERS_MODE)
        await file.write()
        await self._use(applying, spec, spec.thumbprint, lambda: answered(applying.session, spec.ports, spec.name))
        await file.finish()

    async def remove(self, step: Step, applying: Applying) -> None:
        """Take a file away, and have the running balancer forget it."""
        assert step.actual is not None  # noqa: S101 - a removal has found something
        spec, scope = step.actual.spec, applying.scope
        if not spec["path"]:
            await drop(step, applying)
            return
        how = "empty" if step.key.kind == ANSWERS else "gone"
        folder, record = f"{scope.folder}/{ROOT}", record_path(step.key)
        await _run(step, applying, script("remove", scope.data_dir, folder, record, str(spec["path"]), how))
        await _balancer(applying, str(spec["balancer"])).use_certificates(applying.session, str(spec["container"]), ())

    async def _use(
        self,
        applying: Applying,
        spec: CertificateSpec | AnswersSpec,
        expected: str,
        ask: Callable[[], Awaitable[str]],
        *changed: Path,
    ) -> None:
        """Have the file taken into use unless it is already, as it is when another file's turn took this one along."""
        async with self._turns[applying.session.host.name, spec.container]:
            if await ask() == expected:
                return
            balancer, names = _balancer(applying, spec.balancer), [path.name for path in changed]
            runs = await balancer.use_certificates(applying.session, spec.container, names)
            # Where no port answers, the balancer is not configured for it yet; it reads the file when it is.
            if runs and await ask() and (answer := await until(expected, ask, _SECONDS_TO_SERVE)) != expected:
                raise ApplyError(
                    f"the running balancer does not use it: it answers {answer[:16]}, not {expected[:16]}",
                    where=f"{spec.container} on {applying.session.host.name}",
                    hint=f"its log says more: docker logs {spec.container}",
                )


class _File:
    """One file on its way into a balancer's folder."""

    def __init__(
        self, step: Step, applying: Applying, spec: dict[str, object], path: str, content: bytes, mode: int
    ) -> None:
        assert step.resource is not None  # noqa: S101 - a step that writes has a resource
        self._step, self._applying, self._path, self._content, self._mode = step, applying, path, content, mode
        sha256 = hashlib.sha256(content).hexdigest()
        self._record = Record(freeze_mapping(spec), step.resource.owner, sha256)
        self._folder = f"{applying.scope.folder}/{ROOT}"

    async def write(self) -> None:
        """The record of what is under way, then the file; both atomically."""
        intent = replace(self._record, unfinished=True).to_json()
        arguments = (record_path(self._step.key), self._path, str(len(self._content)), f"{self._mode:04o}", intent)
        await _run(self._step, self._applying, script("write", self._folder, *arguments), self._content)

    async def finish(self) -> None:
        """The record of what is done."""
        arguments = (record_path(self._step.key), self._path, self._record.to_json())
        await _run(self._step, self._applying, script("finish", self._folder, *arguments))


async def _credentials(spec: CertificateSpec, applying: Applying, issuing: Issuing) -> Credentials:
    settings = read_settings(spec.settings, applying.scope.environment, Path("/"))
    wanted = Wanted(spec.name, spec.names)
    if settings.issuer == "files":
        return brought(settings, wanted, issuing.now())
    return await issuing.certificate(wanted, settings, applying.report)


def _stands(step: Step, now: str) -> bool:
    """Whether the very certificate is in place and served already: its renewal failed."""
    if step.actual is None:
        return False
    found = Found.of(step.actual)
    whole = found.sha256 == found.written and found.mode == MODE and not found.unfinished
    return whole and found.fingerprint == now and found.served in {"", now}


def _balancer(applying: Applying, name: str) -> UsesCertificates:
    balancer = applying.tools.balancers.get(name)
    if not isinstance(balancer, UsesCertificates):
        raise ApplyError(
            f"there is no balancer {name} that takes certificates", hint="install its plugin; see: trellis plugins"
        )
    return balancer


async def _run(step: Step, applying: Applying, command: tuple[str, ...], stdin: bytes = b"") -> None:
    completed = await applying.session.run(command, stdin=stdin, sudo=applying.scope.as_root)
    if completed.status != 0:
        reason = completed.stderr.strip() or f"status {completed.status}"
        raise ApplyError(
            f"the certificate could not be put in place: {reason}", where=str(step.key), hint="the old one serves on"
        )
