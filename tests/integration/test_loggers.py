"""A configuration of logging in code of the user's, as `dictConfig` reads it unless told otherwise, silences nothing of ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

CONFIGURES = "import logging.config\nlogging.getLogger('tasks.made.now')\nlogging.config.dictConfig({'version': 1})\n"
HANDLER = "from handlers import handles\n@handles('x')\ndef on_x(content: str) -> None: ...\n"
DJANGO = "LOGGING = {'version': 1}\n"

PROGRAM = """
import logging
from tasks.accounts import AccountsError, load
from tasks.runtime import registry
names = "tasks.handle", "handlers.message", "celery.worker", "tasks.off", "elsewhere", "tasks.made.now"
loggers = [logging.getLogger(name) for name in names[:-1]]
loggers[3].disabled = True
if {accounts}:
    try:
        load("python:shop:accounts")
    except AccountsError:
        pass
else:
    registry()
print([name for name in names if logging.getLogger(name).disabled])
"""


@pytest.mark.parametrize("where", ["handlers", "accounts", "django"])
def test_our_loggers_are_as_they_were(tmp_path: Path, where: str) -> None:
    """Those of others are the user's to disable, and so is one of ours that was before."""
    (tmp_path / "shop.py").write_text(HANDLER if where == "django" else CONFIGURES + HANDLER + "def accounts(): ...\n")
    (tmp_path / "conf.py").write_text(DJANGO)
    env = {**os.environ, "TIDINGS_HANDLERS": "shop", "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    if where == "django":
        env["DJANGO_SETTINGS_MODULE"] = "conf"
    program = [sys.executable, "-c", PROGRAM.format(accounts=where == "accounts")]
    done = subprocess.run(program, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "['tasks.off', 'elsewhere']", done.stderr
