"""What the pytest fixtures `tidings` and `tidings_shop` are made of; `tidings_cli/pytest_plugin.py` has the fixtures."""
