"""What labs do on the Docker Engine: the only module here that talks to it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from trellis.errors import TimedOutError, TrellisError, UsageError
from trellis.executing import exec_frames
from trellis_lab import commands
from trellis_lab.model import LABEL, Design, LabHost

_IMAGE_FOLDER = Path(__file__).parent / "image"


@contextmanager
def explained() -> Iterator[None]:
    """Turn the engine's own errors into sentences."""
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise TrellisError(f"the Docker Engine refused: {error.explanation or error}") from error
    except (DockerException, requests.exceptions.RequestException) as error:
        raise TrellisError(
            f"no Docker Engine answers: {error}", hint="start one (scripts/engine), or set DOCKER_HOST"
        ) from error


class LabEngine:
    """The engine on which labs run; closed with `close`."""

    def __init__(self) -> None:
        import docker
        from docker.utils import kwargs_from_env

        with explained():
            self._api: Any = docker.APIClient(version="auto", timeout=180, **kwargs_from_env())
            self.cgroup_version: str = str(self._api.info().get("CgroupVersion") or "1")

    def close(self) -> None:
        """Close the connections to the engine."""
        self._api.close()

    def image_exists(self, reference: str) -> bool:
        """Whether the engine has the image."""
        from docker.errors import ImageNotFound

        try:
            self._api.inspect_image(reference)
        except ImageNotFound:
            return False
        return True

    def build(self, reference: str, target: str) -> Iterator[str]:
        """Build one stage of the hosts' image; gives the builder's lines, and raises when it fails."""
        with explained():
            for event in self._api.build(
                path=str(_IMAGE_FOLDER), tag=reference, target=target, rm=True, forcerm=True, decode=True
            ):
                if "error" in event:
                    raise TrellisError(
                        f"the lab's host image was not built: {event['error']}",
                        where="trellis_lab/image/Dockerfile",
                        hint="debian:bookworm-slim must be there or pullable: scripts/base-image",
                    )
                if text := str(event.get("stream", "")).strip():
                    yield text

    def remove_older(self, reference: str) -> None:
        """Remove what was built from earlier versions of the same image and no host uses."""
        from docker.errors import APIError

        repository = reference.partition(":")[0]
        for image in self._api.images(repository):
            for tag in image["RepoTags"] or []:
                if tag != reference:
                    with suppress(APIError):  # in use
                        self._api.remove_image(tag)

    def subnets(self) -> list[str]:
        """The subnets that the engine's networks use."""
        with explained():
            configs = [network["IPAM"].get("Config") or [] for network in self._api.networks()]
        return [entry["Subnet"] for entries in configs for entry in entries if "Subnet" in entry]

    def create_network(self, design: Design) -> bool:
        """Make the lab's network; False when its subnet was taken meanwhile."""
        from docker.errors import APIError
        from docker.types import IPAMConfig, IPAMPool

        pools = [IPAMPool(subnet=str(design.subnet))]
        with explained():
            try:
                self._api.create_network(**commands.network(design), ipam=IPAMConfig(pool_configs=pools))
            except APIError as error:
                if "overlap" in str(error).lower():
                    return False
                raise
        return True

    def create_host(self, design: Design, host: LabHost, files: bytes) -> None:
        """Make a host with its files in place, and start it."""
        with explained():
            if not design.bare:
                self._api.create_volume(**commands.volume(design, host))
            settings = commands.host_settings(design, host, self.cgroup_version)
            host_config = self._api.create_host_config(**settings) | commands.OPEN_SYSTEM_PATHS
            address = self._api.create_endpoint_config(ipv4_address=str(host.address))
            network = commands.network_name(design.name)
            container = self._api.create_container(
                **commands.container(design, host),
                host_config=host_config,
                networking_config=self._api.create_networking_config({network: address}),
            )["Id"]
            self._api.put_archive(container, "/", files)
            self._api.start(container)

    def wait_ready(self, lab: str, host: str, *, bare: bool) -> None:
        """Wait until the host's ssh server and engine answer."""
        status, _ = self.execute(lab, host, commands.ready_command(bare=bare))
        if status:
            raise TimedOutError(
                f"host {host} of lab {lab} did not get ready within a minute",
                hint=f"look: docker exec {commands.container_name(lab, host)} tail /var/log/dockerd.log",
            )

    def execute(self, lab: str, host: str, argv: Sequence[str], user: str = "root") -> tuple[int, bytes]:
        """Run a command in a host; its exit status and all that it printed."""
        with explained():
            task = self._api.exec_create(commands.container_name(lab, host), list(argv), user=user)["Id"]
            output = b"".join(data for _, data in exec_frames(self._api, task))
            return int(self._api.exec_inspect(task)["ExitCode"]), output

    def stream(self, lab: str, host: str, argv: Sequence[str], out: IO[bytes], err: IO[bytes]) -> int:
        """Run a command in a host with its output passed on as it comes; its exit status."""
        with explained():
            task = self._api.exec_create(commands.container_name(lab, host), list(argv))["Id"]
            for is_error, data in exec_frames(self._api, task):
                target = err if is_error else out
                target.write(data)
                target.flush()
            return int(self._api.exec_inspect(task)["ExitCode"])

    def feed(self, lab: str, host: str, argv: Sequence[str], data: IO[bytes]) -> None:
        """Run a command in a host with a file as its standard input; raises when it fails."""
        import socket

        with explained():
            task = self._api.exec_create(commands.container_name(lab, host), list(argv), stdin=True)["Id"]
            stream = self._api.exec_start(task, socket=True)
            raw: socket.socket = getattr(stream, "_sock", stream)
            try:
                while chunk := data.read(1024 * 1024):
                    raw.sendall(chunk)
                raw.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: raw.recv(65536), b""))
            finally:
                stream._response.close()  # noqa: SLF001 - docker-py hides it there, and leaves it open
                raw.close()
            if self._api.exec_inspect(task)["ExitCode"]:
                raise TrellisError(f"{argv[0]} failed on host {host}: {answer[-300:].decode(errors='replace')}")

    def image_id(self, reference: str) -> str:
        """The image's id.

        Raises:
            UsageError: the engine does not have it.
        """
        from docker.errors import ImageNotFound

        with explained():
            try:
                return str(self._api.inspect_image(reference)["Id"])
            except ImageNotFound:
                raise UsageError(
                    f"there is no image {reference} on this machine", hint=f"docker pull {reference}, or build it"
                ) from None

    def save(self, reference: str, target: IO[bytes]) -> None:
        """Write an image as a tar archive."""
        with explained():
            for chunk in self._api.get_image(reference):
                target.write(chunk)

    def containers(self, lab: str = "") -> list[Mapping[str, Any]]:
        """The host containers of one lab, or of all labs, as the engine lists them; stopped ones too."""
        with explained():
            return list(self._api.containers(all=True, filters={"label": self._label(lab)}))

    def networks(self, lab: str = "") -> list[Mapping[str, Any]]:
        """The networks of one lab, or of all labs."""
        with explained():
            return list(self._api.networks(filters={"label": self._label(lab)}))

    def traces(self, lab: str = "") -> Mapping[str, Mapping[str, str]]:
        """Whatever is left of one lab or of all: each lab's name to labels of something that is its."""
        with explained():
            volumes = self._api.volumes(filters={"label": self._label(lab)})["Volumes"] or []
        found = [*volumes, *self.containers(lab), *self.networks(lab)]
        return {str(item["Labels"][LABEL]): item["Labels"] for item in found}

    def inspect(self, container: str) -> Mapping[str, Any]:
        """All that the engine says about a host's container."""
        with explained():
            found: Mapping[str, Any] = self._api.inspect_container(container)
            return found

    def remove(self, lab: str) -> None:
        """Remove all that carries the lab's label; what is gone already is fine."""
        from docker.errors import NotFound

        with explained():
            for container in self.containers(lab):
                with suppress(NotFound):
                    self._api.remove_container(container["Id"], force=True, v=True)
            volumes = self._api.volumes(filters={"label": self._label(lab)})["Volumes"] or []
            for volume in volumes:
                with suppress(NotFound):
                    self._api.remove_volume(volume["Name"], force=True)
            for network in self.networks(lab):
                with suppress(NotFound):
                    self._api.remove_network(network["Id"])

    def kill(self, container: str) -> None:
        """Cut the host's power."""
        with explained():
            self._api.kill(container)

    def start(self, container: str) -> None:
        """Switch the host on."""
        with explained():
            self._api.start(container)

    def stop(self, container: str) -> None:
        """Shut the host down in order."""
        with explained():
            self._api.stop(container, timeout=20)

    def disconnect(self, container: str, network: str) -> None:
        """Pull the host's network cable."""
        with explained():
            self._api.disconnect_container_from_network(container, network, force=True)

    def connect(self, container: str, network: str, address: str) -> None:
        """Put the cable back, with the same address."""
        with explained():
            self._api.connect_container_to_network(container, network, ipv4_address=address)

    def pause(self, container: str) -> None:
        """Stop every process of the host; its kernel goes on answering."""
        with explained():
            self._api.pause(container)

    def unpause(self, container: str) -> None:
        """Let them run again."""
        with explained():
            self._api.unpause(container)

    def limit_cpu(self, container: str, share: float) -> None:
        """Give the host this share of one core; 0 takes the limit away."""
        with explained():
            period = 100_000
            quota = max(1000, int(share * period)) if share else -1
            self._api.update_container(container, cpu_period=period, cpu_quota=quota)

    @staticmethod
    def _label(lab: str) -> str:
        return f"{LABEL}={lab}" if lab else LABEL
