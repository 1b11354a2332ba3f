"""A backup of Redis, taken while it works; some time later Redis is lost, and the backup takes its place."""

import shutil
import time
from pathlib import Path

from tests.outgrowing.run import IN_HAND, Run, Trial

LATER_SECONDS = 25.0
"""How much is handled after the backup: two leases and a half."""

REFUSED = 5
"""Messages that become dead letters before the backup, and as many after it."""

AWAY_SECONDS = 12.0
"""Longer than a lease: a restore takes a person minutes."""


class Restore(Trial):
    """What was confirmed since is not sent again. What was handled and not confirmed comes again, its mark gone, and what the
    inbox had then is handed out again: both may be handled twice. What vv-tool gave since, and nobody had handled when Redis was
    lost, is gone with the inbox; so are letters since."""

    name = "restore"
    most_twice = IN_HAND  # handled before the backup, with no mark in it yet

    def trouble(self, run: Run) -> None:
        """Backup, loss, restore."""
        self._refuse(run)
        run.wait(5)
        began = time.time()
        with run.deed("valkey: a backup is taken"):
            backup = self._backup(run)
        before = len(run.stage.stores.letters)
        self._refuse(run)
        run.wait(LATER_SECONDS)
        stores = run.stage.stores
        letters, waiting = list(stores.letters.all()), len(run.stage.kept())
        run.notes.append(
            f"when Redis is lost: {len(letters)} letters, {before} of them in the backup; {waiting} replies in the inbox"
        )
        with run.deed("valkey is lost and yesterday's takes its place"):
            self._lose(run, backup)
        run.forgotten.append((began, time.time()))
        run.evidence.flushed += letters
        after = len(stores.letters)
        run.notes.append(f"after the restore: {after} letters, {len(run.stage.kept())} replies in the inbox")
        run.wait(AWAY_SECONDS)
        for name in run.stage.parts:
            run.stage.start(name)
        run.goes_on()
        run.wait(10)

    def _refuse(self, run: Run) -> None:
        messages = [{"topic": "taobao_trade_TradeBuyerPay", "content": {"chaos": "refuses"}}] * REFUSED
        run.stage.control.publish("taobao", messages, group="g1")

    def _backup(self, run: Run) -> Path:
        """As docs/backup.md says: no rewrite meanwhile, and a copy of the folder."""
        folder = run.folder / "backup"
        with run.stage.server.client() as redis:
            redis.config_set("auto-aof-rewrite-percentage", 0)
            run.until(lambda: not redis.info("persistence")["aof_rewrite_in_progress"], 30, "no rewrite is under way")
            shutil.copytree(run.stage.server.folder / "appendonlydir", folder)
        return folder

    def _lose(self, run: Run, backup: Path) -> None:
        """Everything is killed, and the folder replaced."""
        run.processes.kill(*run.stage.parts, run.stage.server.name)
        data = run.stage.server.folder / "appendonlydir"
        shutil.rmtree(data)
        shutil.copytree(backup, data)
        run.stage.start_valkey()
