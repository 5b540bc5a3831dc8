"""What the command line takes: a value that cannot be meant is refused in one sentence, before anything is done."""

from __future__ import annotations

import math
from typing import Any

import click

from psp_core.domain.intake.cards import holds_card_data
from psp_core.domain.kernel.merchants import NAME_LENGTH_MAX, is_merchant_name
from psp_core.domain.operations.operator_actions import REASON_LENGTH_MAX


class MerchantName(click.ParamType[str]):
    """A merchant, as `x-customer-id` names one."""

    name = "merchant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not isinstance(value, str) or not is_merchant_name(value):
            self.fail(f"a merchant's name is 1 to {NAME_LENGTH_MAX} visible ASCII characters", param, ctx)
        if holds_card_data(value):
            self.fail("a merchant's name must not contain a card number: it would be kept for ever", param, ctx)
        return value


class Seconds(click.FloatRange):
    """A time in seconds; `nan` is in every range, and `inf` in most."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no time in seconds", param, ctx)
        return seconds


class Reason(click.ParamType[str]):
    """Why something is done by hand; nothing means that none was given."""

    name = "reason"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if len(text) > REASON_LENGTH_MAX:
            self.fail(f"a reason has at most {REASON_LENGTH_MAX} characters, this one {len(text)}", param, ctx)
        if not all(character.isprintable() or character in "\n\t" for character in text):
            self.fail("a reason is plain text, without control characters", param, ctx)
        return text


class KeyId(click.ParamType[str]):
    """An API key's id: 16 letters and digits."""

    name = "key id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not (text.isascii() and text.isalnum()):
            self.fail("a key's id is 16 letters and digits", param, ctx)
        return text
