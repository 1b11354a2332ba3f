"""The name that the plugin had before it was `tidings_cli.pytest_plugin`: `pytest -p tasks.sandbox.pytest_plugin`."""

from tidings_cli.pytest_plugin import sandbox, sandbox_server, tidings, tidings_shop

__all__ = ["sandbox", "sandbox_server", "tidings", "tidings_shop"]
