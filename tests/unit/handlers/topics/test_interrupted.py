"""A time limit may end an import half way: whoever imports again gets what a first import would have got."""

import subprocess
import sys

from handlers.topics import MODELS

CODE = """
import sys
from importlib.machinery import SourceFileLoader

class Limit(Exception):
    pass

whole, ended = SourceFileLoader.exec_module, set()

def exec_module(self, module):
    whole(self, module)
    if module.__name__ in WANTED and module.__name__ not in ended:
        ended.add(module.__name__)
        raise Limit

WANTED = [f"handlers.{name}" for name in ("trade", "refund", "item", "logistics", "qianmi", "topics")]
SourceFileLoader.exec_module = exec_module
for _ in WANTED:
    try:
        import handlers.topics
    except Limit:
        continue
import handlers.topics
assert ended == set(WANTED), ended
for topic, model in handlers.topics.MODELS.items():
    assert model is getattr(sys.modules[model.__module__], model.__name__)
print(len(handlers.topics.MODELS))
"""


def test_models_whose_import_was_interrupted_are_the_same_ones_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(MODELS)
