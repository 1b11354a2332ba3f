"""Whose import has registered what: the modules that another process has to import for the same handlers."""

import importlib
import sys
from pathlib import Path

import pytest

from handlers import HandlersError, Registry

MODULES = {
    "own_registry": "from handlers import Registry\nregistry = Registry()\nother = Registry()",
    "own_classes": """
from own_registry import other, registry

class Orders:
    @registry.handles("order")
    def on_order(self, content): ...

@other.handles("other")
def on_other(content): ...
""",
    "own_objects": "import own_classes\nfrom own_registry import registry\nregistry.register(own_classes.Orders())",
    "own_factory": "def add(registry, topic):\n    @registry.handles(topic)\n    def made(content): ...",
    "own_made": "import own_factory\nfrom own_registry import registry\nown_factory.add(registry, 'made')",
    "own_taken": "from own_registry import other, registry\nregistry.include(other)",
    "own_around": "from own_registry import registry\n@registry.around\ndef timed(message):\n    yield",
    "own_resource": "from own_registry import registry\n@registry.resources.resource\ndef engine():\n    yield",
    "own_fallback": "from own_registry import registry\n@registry.handles('*', fallback=True)\ndef any_(content): ...",
}

TWICE = {
    "handler": "registry.handles('t')(made)",
    "around": "registry.around(made)",
    "resource": "registry.resources.resource(made)",
}


@pytest.mark.parametrize("kind", TWICE)
def test_what_a_function_makes_twice_is_two_things_whoever_imports_its_module(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both arounds stand; of handlers of a topic, and of resources of a name, the second is refused."""
    body = "def made(message):\n        yield" if kind == "around" else "def made(settings): ..."
    (tmp_path / "makes_twice.py").write_text(
        "from handlers import Registry\n"
        "registry = Registry()\n"
        f"def make():\n    {body}\n    {TWICE[kind]}\n"
        "make()\n"
        "make()\n"
    )
    monkeypatch.delitem(sys.modules, "makes_twice", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    if kind == "around":
        assert len(importlib.import_module("makes_twice").registry.arounds) == 2
        del sys.modules["makes_twice"]
    else:
        with pytest.raises(HandlersError, match=r"two (handlers for|resources of)"):
            importlib.import_module("makes_twice")


def test_a_registry_knows_whose_import_has_registered_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the module of a method's class, or of the function that makes a handler; nor a test's own function."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    imported = {name: importlib.import_module(name) for name in MODULES}
    registry: Registry = imported["own_registry"].registry
    asked = ["own_objects", "own_made", "own_taken", "own_around", "own_resource"]
    assert registry.modules == asked

    @registry.handles("test")
    def on_test(content: str) -> None: ...

    imported["own_factory"].add(registry, "test's")
    assert registry.modules == asked
    for name in MODULES:
        del sys.modules[name]
