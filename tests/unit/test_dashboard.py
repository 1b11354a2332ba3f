"""The dashboard asks for metrics that there are, by labels that they have; so do the alerts."""

import re

import pytest

from tasks.commands.web.metrics import COUNTERS, GAUGES, HISTOGRAMS, OWN
from tests.prometheus import expressions, panels, rules

LABELS: dict[str, set[str]] = {
    **{f"{name}_total": set(labels) for name, (_, labels, _) in COUNTERS.items()},
    **{name: set(each.labels) for name, each in GAUGES.items()},
    **{name: set(labels) for name, (_, labels, _) in OWN.items()},
    **{
        f"{name}_{end}": {*labels, "le"}
        for name, (_, labels, _) in HISTOGRAMS.items()
        for end in ("bucket", "count", "sum")
    },
}
OF_PROMETHEUS = {"job", "instance", "pod"}

ALL = {**expressions(), **{name: rule["expr"] for name, rule in rules().items()}}


@pytest.mark.parametrize("name", ALL)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(name: str) -> None:
    asked = re.findall(r"(tidings_\w+)(?:\{([^}]*)\})?", ALL[name])
    assert asked or "ALERTS" in ALL[name]
    for metric, selector in asked:
        assert metric in LABELS
        assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector)) <= LABELS[metric]
    grouped = {
        label for some in re.findall(r"\b(?:by|on) \(([^)]*)\)", ALL[name]) for label in re.findall(r"\w+", some)
    }
    assert grouped <= {label for metric, _ in asked for label in LABELS[metric]} | OF_PROMETHEUS


def test_every_metric_is_shown_or_watched() -> None:
    whole = " ".join(ALL.values())
    shown = {metric for metric in LABELS if re.search(rf"\b{metric}\b", whole)}
    unseen = {re.sub("_(count|sum|bucket)$", "", metric) for metric in LABELS.keys() - shown} - {
        re.sub("_(count|sum|bucket)$", "", metric) for metric in shown
    }
    assert unseen == set()


def test_panels_have_a_title_a_description_a_source_that_one_chooses_and_a_legend_of_labels_that_there_are() -> None:
    numbers = [panel["id"] for panel in panels()]
    assert len(set(numbers)) == len(numbers)
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert labels <= {
                label for metric in re.findall(r"tidings_\w+", target["expr"]) for label in LABELS[metric]
            }
