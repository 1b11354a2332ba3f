"""Projects with modules that are called as ours are: each finds its own, and what cannot be had is told in one sentence."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import ROOT, ready
from tidings_cli.commands import COMMANDS

TIDINGS = [str(Path(sys.executable).parent / "tidings")]
CELERY = [str(Path(sys.executable).parent / "celery"), "-A", "tasks"]
MODULE = ["-m", "celery", "-A", "tasks"]
AN_APPLICATION = "from celery import Celery\napp = Celery('theirs', broker='memory://')\nprint('theirs is loaded')\n"
HANDLER = "from handlers import handles\n@handles('own_*')\ndef on_own(content: dict) -> None: ...\n"
WAY_OUT = "start with `tidings` in place of `celery -A tasks`"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of somebody else's, with accounts and a handler."""
    (tmp_path / "accounts.toml").write_text("")
    (tmp_path / "shop.py").write_text(HANDLER)
    return tmp_path


@pytest.fixture
def installed(valkey: str) -> dict[str, str]:
    """What the environment says of an installation that has a Redis, and whose handlers are the project's."""
    return {"TIDINGS_REDIS_URL": valkey, "TIDINGS_HANDLERS": "shop"}


def run(words: list[str], project: Path, **env: str) -> tuple[int, str]:
    """The exit code of Python with these words, and all that it prints; Celery and what it needs are imported already, nothing
    of ours. The environment says of Tidings only what is given."""
    done = ready.run(words, project, environment(env), imported=ready.CELERYS)
    return done.returncode, done.stdout + done.stderr


def run_anew(words: list[str], project: Path, **env: str) -> tuple[int, str]:
    """The same in a Python that has imported nothing."""
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=project, env=environment(env), capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def environment(more: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("TIDINGS_", "PYTHON"))} | more


@pytest.mark.parametrize("text", [AN_APPLICATION, "", "raise RuntimeError('broken')", "import nowhere", "def x(:"])
def test_one_of_our_commands_with_a_tasks_of_theirs_ends_with_one_sentence(project: Path, text: str) -> None:
    (project / "tasks.py").write_text(text)
    code, said = run([*CELERY, "check"], project)
    assert code == 1
    assert f"`tasks` is {project / 'tasks.py'} here, not Tidings' own {ROOT / 'tasks'}: {WAY_OUT}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", [CELERY, MODULE])
@pytest.mark.parametrize("env", [{}, {"TIDINGS_HANDLERS": "shop"}])
def test_an_application_of_theirs_called_tasks_runs_and_is_told_only_where_tidings_is_meant(
    project: Path, command: list[str], env: dict[str, str]
) -> None:
    (project / "tasks").mkdir()
    (project / "tasks" / "__init__.py").write_text(AN_APPLICATION)
    code, said = run([*command, "report"], project, **env)
    assert code == 0
    assert "theirs is loaded" in said
    assert (WAY_OUT in said) is bool(env)


def test_a_tasks_without_an_application_is_told_beside_what_celery_says(project: Path) -> None:
    (project / "tasks.py").write_text("")
    code, said = run([*MODULE, "worker"], project)
    assert code != 0
    assert WAY_OUT in said
    assert "Unable to load celery application" in said


@pytest.mark.parametrize("command", [TIDINGS, CELERY, MODULE])
def test_handlers_of_theirs_hide_nothing_of_ours(project: Path, installed: dict[str, str], command: list[str]) -> None:
    (project / "handlers.py").write_text("raise RuntimeError('theirs')")
    _, said = run([*command, "check"], project, **installed)
    assert "own_*" in said
    assert "Traceback" not in said
    told = f"`handlers` is Tidings' own {ROOT / 'handlers'} here, which hides {project / 'handlers.py'}"
    assert (told in said) is (command != TIDINGS), "`celery -A tasks` would have taken theirs"
    code, said = run([*command, "check"], project, **{**installed, "TIDINGS_HANDLERS": "handlers"})
    assert code == 1
    assert f"which hides your {project / 'handlers.py'}: give yours another name" in said


def test_the_program_finds_ours_whatever_stands_in_the_folder(project: Path, installed: dict[str, str]) -> None:
    for name in ("tasks", "handlers", "tidings", "celeryconfig"):
        (project / f"{name}.py").write_text("raise RuntimeError('theirs')")
    _, said = run([*TIDINGS, "check"], project, **installed)
    assert "own_*" in said
    assert "theirs" not in said
    (project / "shop.py").write_text("import tasks.orders\n" + HANDLER)
    code, said = run([*TIDINGS, "check"], project, **installed)
    assert code == 1
    assert f"which hides your {project / 'tasks.py'}: give yours another name" in said


@pytest.mark.parametrize("command", [TIDINGS, CELERY])
def test_a_module_called_as_one_that_we_need_breaks_nothing(
    project: Path, installed: dict[str, str], command: list[str]
) -> None:
    for name in ("redis", "requests", "pydantic_settings", "queue", "calendar"):
        (project / f"{name}.py").write_text("raise RuntimeError('theirs')")
    _, said = run_anew([*command, "check"], project, **installed)
    assert "own_*" in said
    assert "theirs" not in said


def test_settings_are_ours_and_theirs_stay_theirs(project: Path) -> None:
    """Their second application in the same process reads its own."""
    (project / "celeryconfig.py").write_text("task_default_queue = 'theirs'\n")
    (project / "both.py").write_text(
        "from celery import Celery\nfrom tasks import app\nother = Celery('other')\n"
        "other.config_from_object('celeryconfig')\n"
        "print(app.conf.task_default_queue, other.conf.task_default_queue)\n"
    )
    assert run(["both.py"], project) == (0, "handle theirs\n")


def test_a_command_of_theirs_of_the_same_name_stays_theirs(project: Path) -> None:
    """Where both are plugged into Celery's command line, the application decides."""
    (project / "proj.py").write_text("from celery import Celery\napp = Celery('proj', broker='memory://')\n")
    _, said = run([CELERY[0], "-A", "proj", "letters"], project)
    assert "`letters` is a command of Tidings, and -A names another application, proj: `tidings letters`" in said
    plugs = project / "plugs"
    (plugs / "plug-1.dist-info").mkdir(parents=True)
    (plugs / "plug.py").write_text(
        "import click\n@click.command()\ndef letters():\n    print('their letters')\nstatus = letters\n"
    )
    (plugs / "plug-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (plugs / "plug-1.dist-info" / "entry_points.txt").write_text("[celery.commands]\nletters = plug:letters\n")
    assert run([CELERY[0], "-A", "proj", "letters"], project, PYTHONPATH=str(plugs)) == (0, "their letters\n")
    _, said = run([*TIDINGS, "letters", "--help"], project, PYTHONPATH=str(plugs))
    assert "dead letters" in said


def test_pytest_leaves_a_project_its_own_tasks(project: Path) -> None:
    """The fixture's plugin is loaded in every run of theirs."""
    (project / "tasks.py").write_text("MINE = 1\n")
    (project / "test_mine.py").write_text(
        "import tasks\ndef test_mine():\n    assert tasks.MINE == 1\ndef test_ours(sandbox): ...\n"
    )
    _, said = run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], project)
    assert "1 passed, 1 error" in said
    assert f"`tasks` is {project / 'tasks.py'} here" in said


def test_the_program_says_what_it_is(tmp_path: Path) -> None:
    code, said = run([*TIDINGS, "--version"], tmp_path)
    assert (code, said.split()[0]) == (0, "tidings")
    _, said = run([*TIDINGS, "--help"], tmp_path)
    assert said.index("\nTidings:\n") < said.index("  up ") < said.index("\nCelery:\n") < said.index("  worker ")
    _, said = run([*TIDINGS, "-A", "other", "check"], tmp_path)
    assert "`celery -A other`" in said
    for words in (["worker", "-D"], ["worker", "-c", "1", "--detach"], ["multi", "start", "w1"]):
        code, said = run([*TIDINGS, *words], tmp_path)
        assert (code, "need not find Tidings: let `tidings up`, systemd or a container" in said) == (2, True), said


def test_celerys_command_line_and_the_program_have_the_same_commands() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["celery.commands"]
    assert points == {name: f"tidings_cli.commands:{name}" for name in COMMANDS}
    assert all(command.real().name == name for name, command in COMMANDS.items())
