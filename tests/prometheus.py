"""Prometheus for tests: its rules file, and whether promtool and Prometheus are there."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "deploy/prometheus/rules.yaml"
CONFIG = ROOT / "deploy/prometheus/prometheus.yaml"
DASHBOARD = ROOT / "deploy/grafana/tidings.json"
RUNBOOK = ROOT / "docs/alerts.md"

MISSING = "promtool is not installed (Debian: prometheus): the rules are not tried"


def promtool() -> str | None:
    """The program, None where it is not installed."""
    return shutil.which("promtool")


def rules() -> dict[str, dict[str, Any]]:
    """The alerts of the rules file, by name."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def minutes(span: str) -> int:
    """A span of Prometheus's (`90m`, `1h`, `1d`) in minutes."""
    return int(span[:-1]) * {"m": 1, "h": 60, "d": 1440}[span[-1]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels that show something."""
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for each in found for panel in (each, *each.get("panels", ())) if panel["type"] != "row"]


def expressions(rate: str = "1m") -> dict[str, str]:
    """What the dashboard asks Prometheus for, its variables filled in, by the panel's number, its title and another number."""
    return {
        f"{panel['id']} {panel['title']} {number}": target["expr"]
        .replace("$gateway", ".*")
        .replace("$__rate_interval", rate)
        for panel in panels()
        for number, target in enumerate(panel["targets"])
    }
