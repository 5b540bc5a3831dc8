from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from psp_core.adapters.reports.cells import cell


class TestCell:
    @pytest.mark.parametrize(
        "text",
        [
            *(
                "=1+1",
                "+1",
                "-1",
                "@SUM(A1)",
                " =1",
                "\u00a0=1",
                "\u200b=1",
                "\ufeff=1",
                "\n=1",
                "\r=1",
                "\t=1",
                '"=1"',
            ),
            # Full-width signs, and the minus of mathematics.
            *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u22121", "\x00=1", " \t \n =1", "\ttext", "\rtext", '"=1"'),
        ],
    )
    def test_is_text_where_a_spreadsheet_would_run_it(self, text: str) -> None:
        assert cell(text).startswith("'")
        assert cell(text).replace("'", "") == text

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            (";=1", "';'=1"),
            ("order;=1", "'order;'=1"),
            ("order\n=1", "'order\n'=1"),
            ("order\t @x", "'order\t '@x"),
            ("a;b;\uff1dc", "'a;b;'\uff1dc"),
        ],
    )
    def test_is_text_after_each_separator(self, text: str, written: str) -> None:
        assert cell(text) == written

    @pytest.mark.parametrize("text", ["order-1", "a=b", "mail@example.com", "1+1", "", "caf\u00e9", "a, b"])
    def test_is_as_it_was_otherwise(self, text: str) -> None:
        assert cell(text) == text

    @pytest.mark.parametrize("value", [Decimal("-12.50"), -1, None, date(2026, 4, 9)])
    def test_leaves_numbers_numbers(self, value: Any) -> None:
        assert cell(value) is value
