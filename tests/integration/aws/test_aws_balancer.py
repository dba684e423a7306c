"""One stack behind HAProxy, then behind AWS's load balancer: the double is moto's server, all else is real."""

from collections.abc import Callable, Iterator

import pytest
from aws_double import ACCOUNT, REGION, AwsDouble
from workplace import Workplace, until

from trellis_lab import Lab

PROGRAM = """
from trellis import Role, Service, Stack, at_least, listens, one_per_host, runs, site
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1")
class Echo(Service):
    http = listens(8080, health="/healthz")
    public = site("echo.test", http, aliases=["www.echo.test"], sticky=True, timeout=90)
    plain = site("plain.test", http, tls=False, path="/healthz")

    def env(self):
        return {"INSTANCE": self.name}


@stack.service()
class Proxy(HAProxy):
    pass


@stack.role
class Web(Role):
    proxy = runs(Proxy, one_per_host)
    echo = runs(Echo, at_least(1).per_host)
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsDouble]:
    double = AwsDouble.start()
    yield double
    double.stop()


@pytest.fixture(scope="module")
def section(aws: AwsDouble) -> str:
    network = "".join(f"  {key}: {value}\n" for key, value in aws.network("10.88.0.0/16").items())
    return f"balancer:\n  provider: aws\n  region: {REGION}\n  endpoint: {aws.url}\n{network}"


@pytest.fixture(scope="module")
def place(
    lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace], aws: AwsDouble
) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy")
    lab.load("trellis-test/echo:1", "trellis-test/echo:2", "shop/haproxy:2.6")
    patch = pytest.MonkeyPatch()
    for key, value in ACCOUNT.items():
        patch.setenv(key, value)
    made = workplace(lab, "elb", PROGRAM)
    made.environment({"h1": ["web"], "h2": ["web"]})
    yield made
    made.trellis("destroy", "--yes")
    assert not [name for name in aws.balancers() if name.startswith("elb-")]
    assert aws.targets("Echo.public") == set()
    patch.undo()


def test_one_stack_runs_behind_haproxy_and_behind_aws(place: Workplace, aws: AwsDouble, section: str) -> None:
    place.trellis("up", "--yes")
    assert place.page("h1", 80, "plain.test", "/healthz").strip() == "ok"

    place.environment({"h1": ["web"], "h2": ["web"]}, config=section)
    steps = {id_: verb for verb, id_, _ in place.plan()}
    name = f"{place.stack}-dev"
    assert steps[f"aws-balancer:{name}@aws"] == "create"
    assert steps["container:proxy-1@h1"] == "remove"
    assert "container:echo-1@h1" not in steps  # the same instances serve on
    place.trellis("up", "--yes")
    assert all("proxy" not in one for found in place.containers().values() for one in found)

    assert {address for address, _ in aws.targets("Echo.public")} == {
        str(place.lab.host(h).address) for h in ("h1", "h2")
    }
    secure = aws.rules(name, 443)
    assert [one["Actions"][0]["Type"] for one in secure] == ["forward"]
    plain = aws.rules(name, 80)
    assert [one["Actions"][0]["Type"] for one in plain] == ["forward", "redirect"]
    assert aws.client("acm").list_certificates()["CertificateSummaryList"][0]["DomainName"] == "echo.test"
    assert place.plan() == []


def test_a_rule_changed_by_hand_is_shown_and_restored(place: Workplace, aws: AwsDouble) -> None:
    name, elb = f"{place.stack}-dev", aws.client("elbv2")
    rule = aws.rules(name, 443)[0]
    group = rule["Actions"][0]["TargetGroupArn"]
    other = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTP", "StatusCode": "HTTP_302", "Host": "evil.test"}}
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[other])
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": str(place.lab.host("h1").address)}])

    drift = place.trellis("drift", "--json").document["drift"]
    assert [(one["id"], one["what"]) for one in drift] == [(f"aws-balancer:{name}@aws", "changed by hand")]
    [(verb, _, reason)] = place.plan()
    assert verb == "update"
    assert reason == ("changed by hand, restored: rule for echo.test, www.echo.test at port 443 changed; echo-1 added")
    up = place.trellis("up", "--yes")
    assert f"{aws.balancers()[name]['DNSName']}:443" in up.text  # where the site's name is to lead
    assert [one["Actions"][0]["Type"] for one in aws.rules(name, 443)] == ["forward"]
    assert len(aws.targets("Echo.public")) == 2
    assert place.plan() == []


def test_an_update_that_is_killed_in_the_middle_is_finished_by_the_next_one(place: Workplace, aws: AwsDouble) -> None:
    before, name = aws.targets("Echo.public"), f"{place.stack}-dev"
    place.change("echo:1", "echo:2")
    place.change('path="/healthz")', 'path="/healthz", aliases=["late.test"])')
    running = place.start("up", "--yes")
    until(lambda: aws.targets("Echo.public") != before, 60, "an instance leaves AWS before it stops")
    running.kill()
    running.communicate(timeout=30)
    assert len(aws.targets("Echo.public")) == 1  # the other one serves

    place.trellis("up", "--yes")
    assert aws.targets("Echo.public") == before
    hosts = [one["Conditions"][0]["HostHeaderConfig"]["Values"] for one in aws.rules(name, 80)]
    assert hosts[0] == ["late.test", "plain.test"]
    assert place.plan() == []


def test_what_aws_refuses_is_a_sentence_and_nothing_stops(place: Workplace, aws: AwsDouble) -> None:
    file = place.folder / "environments" / "dev.yaml"
    text = file.read_text()
    file.write_text(text.replace("subnets: [subnet-", "subnets: [subnet-gone, subnet-"))
    try:
        refused = place.trellis("plan", status=4)
        file.write_text(text.replace(aws.url, "http://127.0.0.1:9"))
        silent = place.trellis("plan", status=11)
    finally:
        file.write_text(text)
    assert "AWS refuses: The subnet ID" in refused.err
    assert "AWS does not answer: Could not connect" in silent.err
    assert "nothing was changed" in silent.err


def test_a_load_balancer_of_the_same_name_that_is_not_ours_is_left_alone(
    place: Workplace, aws: AwsDouble, section: str
) -> None:
    file = place.folder / "environments" / "dev.yaml"
    text = file.read_text()
    file.write_text(text.replace("provider: aws", "provider: aws\n  serves: false"))
    place.trellis("up", "--yes")
    name = f"{place.stack}-dev"
    assert name not in aws.balancers()
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert place.page("h2", 80, "plain.test", "/healthz").strip() == "ok"  # the stack's own serves again

    subnets = next(line for line in section.splitlines() if "subnets" in line).partition("[")[2].rstrip("]").split(", ")
    aws.client("elbv2").create_load_balancer(Name=name, Subnets=subnets)
    file.write_text(text)
    refused = place.trellis("up", "--yes", status=4)
    assert f"there is a load balancer {name} already that Trellis did not make" in refused.text
    assert name in aws.balancers()
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=aws.balancers()[name]["LoadBalancerArn"])
    place.trellis("up", "--yes")
    assert place.plan() == []
