"""Dockerfile, compose.yaml, the manifests and the units: what they start can be started, and ends before it is killed."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tasks import app
from tasks.commands.web.metrics import GAUGES
from tasks.plumbing.warm_shutdown import KILL_SECONDS
from tasks.settings import unknown
from tests import ROOT
from tidings_cli.probe import MAX_AGE_SECONDS
from tidings_cli.program import program

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted((DEPLOY / "kubernetes").rglob("kustomization.yaml"))
KUBERNETES = "1.33"
GONE_SECONDS = app.conf.worker_soft_shutdown_timeout + KILL_SECONDS
"""When a worker that was told to stop is gone at the latest, but for the moment that its own end takes."""

SYSTEMD, KUBECTL = shutil.which("systemd-analyze"), shutil.which("kubectl")

EXPOSED = 20
"""What `systemd-analyze security` may find at most, of 100."""


@cache
def compose() -> dict[str, Any]:
    """What stands in compose.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    """Tidings' own services of compose.yaml."""
    return {name: each for name, each in compose()["services"].items() if "tidings" in each["image"]}


@cache
def documents() -> list[dict[str, Any]]:
    """Everything that the manifests hold."""
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text())]


def deployments() -> list[dict[str, Any]]:
    """What runs Tidings in Kubernetes."""
    return [each for each in documents() if each["kind"] == "Deployment"]


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    """The one container of its pods."""
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


class Unit(configparser.ConfigParser):
    """A unit's file; of a key that stands there several times, all values, a line each."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.text = path.read_text()
        self.read_string(self.text)

    def all(self, key: str) -> list[str]:
        """Every value of a key."""
        return re.findall(rf"^{key}=(.*)$", self.text, re.MULTILINE)


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """What is started where: the words behind `tidings`."""
    for path in UNITS:
        start = shlex.split(Unit(path)["Service"]["ExecStart"].replace("%H", "host").replace("%i", "1"))
        assert start[0] == "/opt/tidings/bin/tidings"
        yield path.name, start[1:]
    for name, service in services().items():
        yield f"compose {name}", service["command"]
    for each in deployments():
        yield f"kubernetes {each['metadata']['name']}", container(each)["args"]


def probes() -> Iterator[tuple[str, list[str]]]:
    """The commands that look whether something lives."""
    for name, service in services().items():
        yield f"compose {name}", service["healthcheck"]["test"][1:]
    for each in deployments():
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if words := container(each).get(kind, {}).get("exec", {}).get("command"):
                yield f"kubernetes {each['metadata']['name']} {kind}", words


@pytest.mark.parametrize(("where", "words"), [pytest.param(*each, id=each[0]) for each in command_lines()])
def test_a_command_line_is_one_that_can_be_started(where: str, words: list[str]) -> None:
    ctx = program.make_context("tidings", list(words))
    ctx.obj = SimpleNamespace(app=app)
    name, command, rest = program.resolve_command(ctx, list(words))
    assert command is not None
    made = command.make_context(name, rest, parent=ctx)
    if name == "flower":  # Flower reads its own options, later
        import flower.options  # noqa: F401 - defines them
        from tornado.options import options

        assert {word.lstrip("-").partition("=")[0] for word in rest} <= set(options)
    else:
        assert not made.args


@pytest.mark.parametrize("words", sorted({tuple(words) for _, words in probes()}), ids=lambda words: words[-1][:40])
def test_a_probe_is_one_that_can_be_asked(words: tuple[str, ...]) -> None:
    assert words[0] == "python"
    if words[1] == "-c":
        compile(words[2], "probe", "exec")
        return
    done = subprocess.run(
        [sys.executable, *words[1:], "--help"], check=False, capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def environments() -> Iterator[tuple[str, str]]:
    """Every variable that is set anywhere, and where."""
    for name, service in services().items():
        yield from ((f"compose {name}", variable) for variable in service["environment"])
    for path in UNITS:
        yield from ((path.name, each.partition("=")[0]) for each in Unit(path).all("Environment"))
    for each in deployments():
        yield from ((each["metadata"]["name"], one["name"]) for one in container(each).get("env", []))
    for path in KUSTOMIZATIONS:
        for made in yaml.safe_load(path.read_text()).get("configMapGenerator", []):
            yield from ((str(path), one.partition("=")[0]) for one in made.get("literals", []))
    for line in (ROOT / "docs/deploying.md").read_text().splitlines():
        yield from (("docs/deploying.md", found) for found in re.findall(r"\bTIDINGS_[A-Z_]+\b", line))


def test_the_page_is_there_while_something_else_is_not() -> None:
    """`/readyz` fails without a beat, a worker or Redis: a Service would lead to no page then, and to no metrics."""
    probes = [each for made in deployments() for name, each in container(made).items() if name.endswith("Probe")]
    assert {each["httpGet"]["path"] for each in probes if "httpGet" in each} == {"/healthz", "/healthcheck"}


def test_every_variable_is_a_setting() -> None:
    found = [(where, name) for where, name in environments() if name.startswith("TIDINGS_")]
    ours = {"TIDINGS_IMAGE"}  # compose.yaml's own
    assert len(found) > 10
    assert [(where, said) for where, name in found if name not in ours for said in unknown([name])] == []


def test_what_a_collector_reads_is_json() -> None:
    assert {each["environment"]["TIDINGS_LOG"] for each in services().values()} == {"${TIDINGS_LOG:-json}"}
    example = yaml.safe_load((DEPLOY / "kubernetes/example/kustomization.yaml").read_text())
    assert "TIDINGS_LOG=json" in example["configMapGenerator"][0]["literals"]


def test_nothing_runs_as_root() -> None:
    user = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    assert "0" not in user
    assert all(each["user"].split(":") == [*user] for each in services().values())
    assert all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in compose()["services"].values())
    for each in deployments():
        pod = each["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user[0])
        own = container(each)["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True)
    assert all(Unit(path)["Service"]["User"] == "tidings" for path in UNITS)


def test_what_is_told_to_stop_gets_longer_than_it_takes() -> None:
    for name, each in services().items():
        assert int(each["stop_grace_period"].removesuffix("s")) >= GONE_SECONDS + 5, name
    for each in deployments():
        assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= GONE_SECONDS + 5, each["metadata"]
    for path in UNITS:
        if "worker" in Unit(path)["Service"]["ExecStart"]:
            assert int(Unit(path)["Service"]["TimeoutStopSec"]) >= GONE_SECONDS + 5, path


def test_compose_publishes_nothing_but_loopback() -> None:
    published = [port for each in compose()["services"].values() for port in each.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert compose()["networks"]["state"]["internal"] is True
    assert compose()["services"]["valkey"]["networks"] == ["state"]


def test_compose_shows_secrets_to_nobody_but_workers_and_to_web_its_password() -> None:
    shown = {name: {volume.split(":/")[0] for volume in each.get("volumes", [])} for name, each in services().items()}
    (secrets,) = shown["puller"] - shown["beat"]
    assert shown["handlers"] == shown["puller"]
    assert shown["web"] == {*shown["beat"], f"{secrets}/web_password"}
    assert shown["flower"] == shown["beat"]
    assert not [each for each in shown["beat"] if secrets.startswith(f"{each}/")]


def test_compose_keeps_what_redis_holds_and_runs_two_beats() -> None:
    valkey = compose()["services"]["valkey"]
    words = " ".join(valkey["command"])
    assert "--appendonly yes" in words
    assert "--maxmemory-policy noeviction" in words
    assert any(each.endswith(":/data") for each in valkey["volumes"])
    assert compose()["services"]["beat"]["deploy"]["replicas"] == 2
    assert all({"restart", "healthcheck", "deploy"} <= each.keys() for each in compose()["services"].values())


def test_the_image_gets_what_its_build_needs_and_no_more() -> None:
    text = (ROOT / "Dockerfile").read_text()
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#*"]
    taken = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert copied == taken
    assert all((ROOT / each).exists() for each in copied)
    links = [path for path in (ROOT / "tasks").iterdir() if path.is_symlink()]
    assert {path.resolve().relative_to(ROOT).parts[0] for path in links} <= copied
    assert "constraints.txt" in text.split("pip install")[-1]
    assert re.search(r"^STOPSIGNAL SIGTERM$", text, re.MULTILINE)
    version = re.findall(r"^FROM python:([\d.]+)-slim-\w+", text, re.MULTILINE)
    assert len(version) == 2
    assert len(set(version)) == 1
    assert f'"Programming Language :: Python :: {version[0]}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_manifest_is_as_kubernetes_says(path: Path) -> None:
    for each in yaml.safe_load_all(path.read_text()):
        if each["apiVersion"].startswith("keda.sh/"):
            names = {one["metadata"]["name"] for one in deployments()}
            assert each["spec"]["scaleTargetRef"]["name"] in names
            asked = {re.findall(r"tidings_\w+", one["metadata"]["query"])[0] for one in each["spec"]["triggers"]}
            assert asked <= GAUGES.keys()
            continue
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_selectors_meet_their_pods() -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in deployments()]
    for each in documents():
        match each["kind"]:
            case "Deployment":
                spec = each["spec"]
                assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
            case "PodDisruptionBudget":
                assert each["spec"]["selector"]["matchLabels"] in pods
            case "Service" if each["metadata"]["name"].startswith("tidings"):
                assert each["spec"]["selector"] in pods


def test_kustomizations_name_files_that_are_there() -> None:
    for path in KUSTOMIZATIONS:
        told = yaml.safe_load(path.read_text())
        files = [name for made in told.get("configMapGenerator", []) for name in made.get("files", [])]
        assert all((path.parent / name).exists() for name in [*told["resources"], *told.get("components", []), *files])


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_kustomize_builds_the_example() -> None:
    done = subprocess.run(
        [KUBECTL or "", "kustomize", DEPLOY / "kubernetes/example"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    for each in made:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    assert {each["metadata"].get("namespace", "tidings") for each in made} == {"tidings"}


def test_units_come_and_go_with_the_target() -> None:
    assert (DEPLOY / "systemd/tidings.target").exists()
    for path in UNITS:
        assert Unit(path)["Unit"]["PartOf"] == Unit(path)["Install"]["WantedBy"] == "tidings.target", path


def test_what_hangs_is_started_again() -> None:
    for path in UNITS:
        service = Unit(path)["Service"]
        assert service["Restart"] == "always"
        if "web" not in path.name:
            assert (service["Type"], int(service["WatchdogSec"]) > MAX_AGE_SECONDS / 2) == ("notify", True), path


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units, with a program that is here, and instances of those that are templates."""
    for path in [*UNITS, DEPLOY / "systemd/tidings.target"]:
        text = path.read_text().replace("/opt/tidings/bin/tidings", shutil.which("true") or "")
        for number in "12" if "@" in path.name else ("",):
            (tmp_path / path.name.replace("@", f"@{number}" if number else "@")).write_text(text)
    return sorted(str(path) for path in tmp_path.iterdir())


@pytest.mark.skipif(not SYSTEMD, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(units: list[str]) -> None:
    done = subprocess.run([SYSTEMD or "", "verify", *units], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.skipif(not SYSTEMD, reason="systemd-analyze is not installed")
def test_systemd_finds_the_units_closed(units: list[str]) -> None:
    some = [each for each in units if each.endswith(".service")]
    words = [SYSTEMD or "", "security", "--no-pager", "--offline=yes", f"--threshold={EXPOSED}", *some]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
