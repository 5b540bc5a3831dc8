"""What is watched: every alarm, and the metrics that are made of logs."""

from __future__ import annotations

import json

from tests.infrastructure.promises.reading import Reading, Row, Table, cell
from tests.infrastructure.terraform.resources import Resource

_COLUMNS = ("alarm", "metric", "of", "statistic", "rings when", "for", "without data", "tells")
_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


def tables(reading: Reading) -> list[Table]:
    return [
        Table("Alarms", _COLUMNS, [_alarm(reading, alarm) for alarm in reading.of_kind("aws_cloudwatch_metric_alarm")]),
        Table("Dashboard", ("title", "statistic", "metrics", "rest"), _dashboard(reading)),
        Table("Metrics made of logs", ("metric", "unit", "log", "lines", "value"), _metrics(reading)),
    ]


def _alarm(reading: Reading, alarm: Resource) -> Row:
    def take(name: str) -> str:
        return cell(reading.take(alarm, name))

    metric = f"{take('namespace')} {take('metric_name')}"
    queries = reading.take(alarm, "metric_query")
    told, relieved = (reading.take(alarm, f"{state}_actions") for state in ("alarm", "ok"))
    actions = cell(told) + (
        f", and {'' if relieved == told else cell(relieved)} when it is well again" if relieved else ""
    )
    unit = reading.take(alarm, "unit")
    sign = _SIGNS[take("comparison_operator")]
    statistics = [reading.take(alarm, name) for name in ("statistic", "extended_statistic")]
    return (
        take("alarm_name"),
        metric
        if not queries
        else " and ".join(cell({n: v for n, v in query.items() if n != "label"}) for query in queries),
        take("dimensions"),
        cell([each for each in statistics if each is not None]),
        f"{sign} {take('threshold')}" + (f" {unit}" if unit else ""),
        f"{take('evaluation_periods')} times {take('period')} s",
        take("treat_missing_data"),
        actions.replace("and  when", "and when"),
    )


def _dashboard(reading: Reading) -> list[Row]:
    rows: list[Row] = []
    for dashboard in reading.of_kind("aws_cloudwatch_dashboard"):
        for widget in json.loads(reading.take(dashboard, "dashboard_body"))["widgets"]:
            shown = widget.pop("properties")
            title, statistic, metrics = (shown.pop(name) for name in ("title", "stat", "metrics"))
            rows.append((title, statistic, " and ".join(cell(metric) for metric in metrics), cell({**widget, **shown})))
    return rows


def _metrics(reading: Reading) -> list[Row]:
    rows: list[Row] = []
    for metric in reading.of_kind("aws_cloudwatch_log_metric_filter"):
        made = reading.take_block(metric, "metric_transformation")
        rows.append((
            f"{made.pop('namespace')} {made.pop('name')}", cell(made.pop("unit", None)),
            cell(reading.take(metric, "log_group_name")), cell(reading.take(metric, "pattern")), cell(made),
        ))  # fmt: skip
    return rows
