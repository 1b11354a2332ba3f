"""What pytest loads by itself: apart from `pytest_plugin`, as pytest refuses a module that it loads and `-p` names as well."""

from tidings_cli.pytest_plugin import sandbox, sandbox_server, tidings, tidings_shop

__all__ = ["sandbox", "sandbox_server", "tidings", "tidings_shop"]
