"""The configuration is evaluated as Terraform does it: its language, its functions, its types, its modules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infrastructure.terraform.functions import EvaluationError
from tests.infrastructure.terraform.plan import Plan, plan

ROOT = """
variable "region" {
  type    = string
  default = "sa-east-1"
}
variable "list" {
  type    = list(string)
  default = ["b", "a"]
}
variable "sizes" {
  type = object({ cpu = number, zones = optional(list(string), ["z"]), none = optional(string) })
}
variable "missing" {
  type    = string
  default = null
}
provider "aws" {
  region = var.region
}
locals {
  result = %s
}
output "result" {
  value = local.result
}
resource "aws_kms_key" "one" {
  for_each = { a = 1, b = 2 }
  weight   = each.value
}
resource "aws_sqs_queue" "two" {
  count = 2
  name  = "queue-${count.index}"
}
data "aws_iam_policy_document" "doc" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.two[0].arn]
  }
}
"""
EXPRESSIONS: list[tuple[str, Any]] = [
    ('"a-${var.region}-${1 + 2 * 3}"', "a-sa-east-1-7"),
    ('"$${kept} \\"quoted\\""', '${kept} "quoted"'),
    ('[for each in var.list : "${each}!" if each != "a"]', ["b!"]),
    ("{ for index, each in var.list : each => index }", {"b": 0, "a": 1}),
    ("merge([for each in var.list : { (each) = 1 }]...)", {"b": 1, "a": 1}),
    ("var.missing == null ? 1 : 2", 1),
    ("var.missing[*]", []),
    ("var.region[*]", ["sa-east-1"]),
    ("var.sizes", {"cpu": 5, "zones": ["z"], "none": None}),
    ("[for key in aws_kms_key.one : key.weight]", [1, 2]),
    ('aws_kms_key.one["b"].arn', 'arn:aws:kms:sa-east-1:123456789012:kms_key.one["b"]'),
    ("aws_sqs_queue.two[*].name", ["queue-0", "queue-1"]),
    ('cidrsubnet("10.40.0.0/16", 4, 1)', "10.40.16.0/20"),
    ('can(regex("^[a-z]$", "ab"))', False),
    ('setproduct(["a", "b"], [80, 443])', [["a", 80], ["a", 443], ["b", 80], ["b", 443]]),
    ("jsonencode({ b = [1, true, null], a = 500 * 1024 / 5 })", '{"a":102400,"b":[1,true,null]}'),
    ('toset(["b", "a", "b"])', ["a", "b"]),
    ("!(1 < 2 && 2 >= 3) || false", True),
    ('coalesce(var.missing, "x")', "x"),
    ("jsondecode(data.aws_iam_policy_document.doc.json).Statement[0].Effect", "Allow"),
]


def planned(result: str) -> Plan:
    """Plan a configuration whose output `result` is that expression."""
    values = 'sizes = { cpu = "5" }'
    return plan({"main.tf": ROOT % result, "terraform.tfvars": values, "environments/test.tfvars": ""}, "test")


class TestAnExpression:
    @pytest.mark.parametrize(("written", "value"), EXPRESSIONS, ids=[written for written, _ in EXPRESSIONS])
    def test_has_its_value(self, written: str, value: Any) -> None:
        assert planned(written).outputs["result"] == value

    @pytest.mark.parametrize("written", ["local.other", "aws_sns_topic.no", "sha1(var.region)", 'var.region["a"]'])
    def test_is_refused_where_there_is_no_value(self, written: str) -> None:
        with pytest.raises(EvaluationError):
            planned(written)


class TestAPlan:
    def test_has_every_instance_of_a_resource(self) -> None:
        addresses = [it.address for it in planned("1").resources if not it.kind.startswith("data.")]

        assert addresses == [
            'aws_kms_key.one["a"]', 'aws_kms_key.one["b"]', "aws_sqs_queue.two[0]", "aws_sqs_queue.two[1]",
        ]  # fmt: skip
