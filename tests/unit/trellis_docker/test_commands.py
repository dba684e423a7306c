"""Which calls are made: whole bodies, with secrets that nobody sees before they are made."""

from trellis.plugin.contracts import Scope
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping, masked
from trellis_docker import commands
from trellis_docker.labels import is_ours, labels_for, owner_of, spec_of
from trellis_docker.spec import container_spec
from trellis_dsl.secret import Secret

SCOPE = Scope("shop", "prod", salt=b"salt")
WEBSITE = Resource(
    ResourceKey("container", "website-1", "ny1"),
    freeze_mapping(
        {
            "name": "shop-prod-website-1",
            "image": "shop/website:7.1",
            "env": {"WORKERS": "4", "PASSWORD": Secret("hunter2")},
            "command": ["serve", "--fast"],
            "user": "web",
            "network": "shop-prod",
            "aliases": ["website-1", "website"],
            "ports": [
                {"endpoint": "http", "container_port": 8080, "protocol": "tcp", "host_ip": ip, "host_port": 80}
                for ip in ("0.0.0.0", "::")  # noqa: S104 - published to everybody, and only as data
            ],
            "mounts": [
                {"type": "volume", "source": "shop-prod-data", "target": "/data", "read_only": False},
                {"type": "bind", "source": "/etc/motd", "target": "/etc/motd", "read_only": True},
            ],
            "cpu": 0.5,
            "memory": 1 << 28,
            "labels": {"team": "web"},
            "stop_grace": 4.6,
        }
    ),
    Owner("Web", "Website", 1),
)


def test_the_whole_container() -> None:
    call = commands.create_container(WEBSITE, SCOPE)
    assert (call.method, call.path, call.query) == ("POST", "/containers/create", {"name": "shop-prod-website-1"})
    assert masked(call.body) == {
        "Image": "shop/website:7.1",
        "Env": ["WORKERS=4", "•••"],
        "Cmd": ["serve", "--fast"],
        "User": "web",
        "Labels": {"team": "web", **labels_for(WEBSITE, SCOPE)},
        "StopTimeout": 5,
        "ExposedPorts": {"8080/tcp": {}},
        "HostConfig": {
            "NetworkMode": "shop-prod",
            "PortBindings": {
                "8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}]  # noqa: S104 - data
            },
            "Mounts": [
                {"Type": "volume", "Source": "shop-prod-data", "Target": "/data", "ReadOnly": False},
                {"Type": "bind", "Source": "/etc/motd", "Target": "/etc/motd", "ReadOnly": True},
            ],
            "RestartPolicy": {"Name": "unless-stopped"},
            "CpuShares": 512,
            "Memory": 1 << 28,
            "MemorySwap": 1 << 28,
        },
        "NetworkingConfig": {"EndpointsConfig": {"shop-prod": {"Aliases": ["website-1", "website"]}}},
    }


def test_a_secret_is_in_no_label_and_in_no_repr() -> None:
    call = commands.create_container(WEBSITE, SCOPE)
    assert "hunter2" not in repr(call)
    assert "hunter2" not in str(labels_for(WEBSITE, SCOPE))


def test_on_the_host_s_network_nothing_is_published() -> None:
    spec = {**WEBSITE.spec, "network": "host"}
    config = masked(commands.create_container(Resource(WEBSITE.key, freeze_mapping(spec)), SCOPE).body)
    assert isinstance(config, dict)
    assert config["ExposedPorts"] == {}
    assert config["NetworkingConfig"] == {"EndpointsConfig": {}}
    assert (config["HostConfig"]["NetworkMode"], config["HostConfig"]["PortBindings"]) == ("host", {})


def test_what_is_not_asked_for_stays_the_image_s_and_docker_s() -> None:
    bare = Resource(WEBSITE.key, freeze_mapping({"name": "n", "image": "i"}))
    config = masked(commands.create_container(bare, SCOPE).body)
    assert isinstance(config, dict)
    assert (config["Cmd"], config["User"], config["Env"]) == (None, None, [])
    assert (config["HostConfig"]["CpuShares"], config["HostConfig"]["Memory"]) == (0, 0)


def test_limits_in_place_leave_memory_out_when_there_is_none() -> None:
    policy = {"Name": "unless-stopped", "MaximumRetryCount": 0}
    limited = commands.update_container("c", container_spec(WEBSITE.spec))
    assert limited.path == "/containers/c/update"
    assert masked(limited.body) == {
        "CpuShares": 512,
        "RestartPolicy": policy,
        "Memory": 1 << 28,
        "MemorySwap": 1 << 28,
    }
    free = commands.update_container("c", container_spec(freeze_mapping({"name": "n", "image": "i"})))
    assert masked(free.body) == {"CpuShares": 1024, "RestartPolicy": policy}


def test_grace_is_at_least_a_second() -> None:
    assert commands.stop("c", 0.2).query == {"t": "1"}


def test_stopping_has_the_grace_on_top_of_the_usual_time() -> None:
    assert commands.stop("c", 30).seconds == 30


def test_labels_tell_the_whole_story_again() -> None:
    labels = labels_for(WEBSITE, SCOPE)
    assert owner_of(labels) == Owner("Web", "Website", 1)
    assert is_ours(labels, SCOPE)
    assert not is_ours(labels, Scope("shop", "dev"))
    assert not is_ours(None, SCOPE)
    told = container_spec(spec_of(labels))
    assert (told.image, told.env["WORKERS"], told.stop_grace) == ("shop/website:7.1", "4", 4.6)
    assert labels["io.trellis.service"] == "Website"
    assert labels["io.trellis.instance"] == "1"
    assert len(labels["io.trellis.digest"]) == 64


def test_labels_that_somebody_broke_tell_nothing() -> None:
    for broken in ("", "{", "[]", "null"):
        assert dict(spec_of({"io.trellis.spec": broken})) == {}
    assert owner_of({"io.trellis.instance": "x"}) == Owner()
