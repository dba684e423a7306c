"""Three files and a container on every host, as pyinfra's users write it."""

from pyinfra.operations import docker, files

for number in range(1, 4):
    files.put(src=f"files/{number}", dest=f"/etc/bench-pyinfra-{number}", mode="644", _sudo=True)
docker.container(container="bench-pyinfra", image="trellis-test/echo:1", restart_policy="unless-stopped")
