"""The distribution as pip gets it: a wheel that was built from an sdist that was built from the tree."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests import ROOT

NOT_SOURCE = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")


def built(folder: Path) -> Path:
    """The wheel, built from copies by this environment's setuptools: nothing is fetched, and the tree stays as it is."""
    shutil.copytree(ROOT, folder / "tree", ignore=NOT_SOURCE, symlinks=True)
    sdist = _build("sdist", folder / "tree", folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    return _build("wheel", folder / "sdist" / sdist.name.removesuffix(".tar.gz"), folder)


def _build(what: str, source: Path, target: Path) -> Path:
    code = f"from setuptools import build_meta; import sys; print(build_meta.build_{what}(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]
