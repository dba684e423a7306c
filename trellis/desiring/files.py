"""The files and folders that a placed stack asks for: on roles' hosts, and beside containers for their mounts."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from trellis.blueprint import FileSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.desiring.binding import Classes, bound_role, bound_service, failed, guarded, service_secrets
from trellis.desiring.carried import role_names
from trellis.errors import ConfigError, StackError
from trellis.evaluating.files import IN_MEMORY, file_mode, mounted_folders, parent, read_folder
from trellis.placing.naming import short_name
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import Value, digest, fingerprinted, freeze, freeze_mapping
from trellis_dsl.files import File
from trellis_dsl.secret import Secret

FILE, FOLDER = "file", "folder"
_NOT_SEEN = ("path", "at_boot")
"""Of a file's spec, what its container does not notice."""


@dataclass(frozen=True, slots=True)
class InstanceFiles:
    """What lies beside one container.

    Attributes:
        resources: its files and folders on the host.
        mounts: where its container sees them.
        restarting: those whose change needs a new container.
    """

    resources: tuple[Resource, ...]
    mounts: tuple[Mapping[str, object], ...]
    restarting: tuple[Resource, ...]

    def digest(self, salt: bytes) -> str:
        """Tells whether a container was made with other files; empty when that does not matter to it."""
        return digest([_digested(one, salt) for one in self.restarting]) if self.restarting else ""


def role_files(host: str, deployment: Deployment, classes: Classes, root: Path) -> Iterable[Resource]:
    """The files of the roles that a host carries."""
    for name in role_names(deployment.hosts[host], deployment.blueprint):
        if not deployment.blueprint.role(name).files:
            continue  # also a role that only the file of overrides makes, which has no class
        cls = classes.roles[name]
        secrets = tuple(value for value in deployment.config.values() if isinstance(value, Secret))
        rendering = Rendering(cls, "role", root, partial(bound_role, cls, name, host, deployment), secrets)
        for spec in deployment.blueprint.role(name).files:
            content = rendering.content(spec)
            if _is_secret(spec, content) and not spec.path.startswith(IN_MEMORY):
                raise StackError(
                    f"{name}.{spec.name} holds a secret, and {spec.path} is on the host's disk",
                    where=str(rendering.declared(spec.name).location),
                    hint="declare it with secret_file, at a path below /run",
                )
            yield _kept_for_boot(_resource(spec, spec.path, host, content, Owner(name)), deployment)


def instance_files(instance: DeployedInstance, deployment: Deployment, classes: Classes, root: Path) -> InstanceFiles:
    """An instance's files; they lie in a folder of its own on the host, those with secrets in memory."""
    host, service = instance.host.name, instance.service
    cls = classes.services[service.name]
    bind = partial(bound_service, cls, instance, deployment)
    rendering = Rendering(cls, "service", root, bind, service_secrets(service, deployment))
    contents = {spec.name: rendering.content(spec) for spec in service.files}
    whole = mounted_folders(service.files)
    short = short_name(service.name, instance.index)
    bases = {True: f"{deployment.memory_folder(host)}/{short}", False: f"{deployment.folder(host)}/{short}/files"}
    hidden = {parent(spec) for spec in service.files if parent(spec) in whole and _is_secret(spec, contents[spec.name])}
    owner = Owner(instance.role, service.name, instance.index)
    resources, mounts = [], {}
    for spec in service.files:
        in_memory = _is_secret(spec, contents[spec.name]) or parent(spec) in hidden
        path, source, target = _place(spec, bases[in_memory], whole)
        tell = {"container": instance.name, "signal": spec.signal} if spec.on_change == "signal" else None
        resource = _resource(spec, path, host, contents[spec.name], owner, in_memory=in_memory, tell=tell)
        resource = _kept_for_boot(resource, deployment)
        # A folder that is mounted shows its files as they are; a file that is mounted alone stays the old one.
        alone = spec.on_change == "restart" and source == path and spec.kind != "folder"
        resources.append(_restarting(resource) if alone else resource)
        mounts[target] = {"type": "bind", "source": source, "target": target, "read_only": True}
    restarting = [one for one, spec in zip(resources, service.files, strict=True) if spec.on_change == "restart"]
    return InstanceFiles(tuple(resources), tuple(mounts.values()), tuple(restarting))


def _kept_for_boot(resource: Resource, deployment: Deployment) -> Resource:
    """A file in memory, on a host that is to put such files back by itself."""
    name = resource.key.host
    if not deployment.hosts[name].secrets_at_boot or not resource.spec.get("in_memory"):
        return resource
    if deployment.facts[name].account.endswith(" plain"):
        raise ConfigError(
            f"{name} can put secret files back at boot only for an account that is root or has sudo there",
            where=f"hosts.{name}.secret_files.at_boot",
            hint="give the account sudo, or leave at_boot out: trellis up puts them back",
        )
    return replace(resource, spec=freeze_mapping({**resource.spec, "at_boot": True}))


def _restarting(resource: Resource) -> Resource:
    return replace(resource, spec=freeze_mapping({**resource.spec, "restarts": True}))


def _place(spec: FileSpec, base: str, whole: frozenset[str]) -> tuple[str, str, str]:
    """Path on the host, and what is mounted where: the file itself, or the folder that it lies in."""
    folder = parent(spec)
    if folder not in whole:
        return f"{base}/{spec.name}", f"{base}/{spec.name}", spec.path
    name = PurePosixPath(folder).name
    together = f"{base}/{name}-{hashlib.sha256(folder.encode()).hexdigest()[:8]}"
    return f"{together}/{PurePosixPath(spec.path).name}", together, folder


def _is_secret(spec: FileSpec, content: Value) -> bool:
    return spec.kind == "secret" or isinstance(content, Secret)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the files of one class are made from, in one place.

    Attributes:
        cls: the service or role.
        word: what templates call it.
        root: the stack's folder.
        bind: gives the class with the values of the place.
        secrets: that its files could hold.
    """

    cls: type
    word: str
    root: Path
    bind: Callable[[], object]
    secrets: tuple[Secret, ...]

    def content(self, spec: FileSpec) -> Value:
        """A file's content: base64 text, or a `Secret` of the text itself; of a folder, what is in it by name."""
        if spec.kind == "folder":
            return freeze(_folder(self.root / spec.source))
        if spec.source and not spec.template:
            return _encoded((self.root / spec.source).read_bytes())
        text = guarded(self._text(spec), self.secrets)
        if isinstance(text, Secret):
            return text
        return Secret(text) if spec.kind == "secret" else _encoded(text.encode())

    def declared(self, name: str) -> File:
        """The declaration of that name. Raises `KeyError`."""
        for base in self.cls.__mro__:
            found = vars(base).get(name)
            if isinstance(found, File):
                return found
        raise KeyError(name)

    def _text(self, spec: FileSpec) -> str | Secret:
        declared = self.declared(spec.name)
        try:
            if spec.template:
                from trellis.templates import render_template

                bound = self.bind()
                return render_template(self.root, spec.source, {self.word: bound, "host": vars(bound)["host"]})
            text: object = declared.render(self.bind()) if declared.render else ""
        except Exception as error:  # noqa: BLE001 - the user's method may fail in any way
            raise failed(f"{self.cls.__name__}.{spec.name}", error, str(declared.location)) from None
        if not isinstance(text, str | Secret):
            what = f"{self.cls.__name__}.{spec.name} returns {type(text).__name__}, not text"
            raise StackError(what, where=str(declared.location))
        return text


def _folder(source: Path) -> Mapping[str, object]:
    return {
        name: {"content": _encoded(path.read_bytes()), "mode": file_mode(path)} for name, path in read_folder(source)
    }


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _resource(
    spec: FileSpec,
    path: str,
    host: str,
    content: Value,
    owner: Owner,
    *,
    in_memory: bool | None = None,
    tell: Mapping[str, str] | None = None,
) -> Resource:
    fields: dict[str, object] = {"path": path, "owner": spec.owner, "group": spec.group}
    if tell:
        fields["tell"] = tell
    if spec.kind == "folder":
        return Resource(ResourceKey(FOLDER, path, host), freeze_mapping(fields | {"files": content}), owner)
    fields |= {"kind": "dynamic" if spec.kind == "secret" else spec.kind, "content": content, "mode": spec.mode}
    if spec.keep_mode:
        fields["keep_mode"] = True
    if spec.kind == "secret" if in_memory is None else in_memory:
        fields["in_memory"] = True
    return Resource(ResourceKey(FILE, path, host), freeze_mapping(fields), owner)


def _digested(file: Resource, salt: bytes) -> object:
    return fingerprinted(freeze({key: value for key, value in file.spec.items() if key not in _NOT_SEEN}), salt)
