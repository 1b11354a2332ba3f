"""Everything that one run has measured, as a file: tables and pictures are made from it, now or later."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.throughput.cases import Case
from tests.bench.throughput.latency import Latency
from tests.bench.throughput.measure import Speed


@dataclass(slots=True)
class Results:
    """`machine` names it all was measured on, `left_out` says in words what was not measured, and why."""

    machine: dict[str, str]
    speeds: list[Speed] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def cases(self) -> list[Case]:
        """The cases measured, in order of their first turn."""
        return list(dict.fromkeys(speed.case for speed in self.speeds))

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """What `save` wrote. Raises `OSError`, `ValueError` or `KeyError` for anything else."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            machine=fields["machine"],
            speeds=[Speed(**{**speed, "case": Case(**speed["case"])}) for speed in fields["speeds"]],
            latencies=[Latency(**latency) for latency in fields["latencies"]],
            left_out=fields["left_out"],
        )
