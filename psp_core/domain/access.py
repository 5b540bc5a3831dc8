"""API keys: who may call for a merchant. What is stored of a key cannot be turned back into it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from psp_core.domain.intake.cards import holds_card_data
from psp_core.domain.kernel.errors import ApiKeysNotConfigured, CustomerMismatch, InsufficientScope, InvalidCredentials

ID_BITS = 95
SECRET_BITS = 192
PEPPER_LENGTH_MIN = 32
CUSTOMER_ID_LENGTH_MAX = 255

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 16
_SECRET_LENGTH = 33
_TOKEN = re.compile(rf"sk_(?P<mode>live|test)_(?P<id>[0-9A-Za-z]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}")


class KeyMode(StrEnum):
    LIVE = "live"
    """`sk_live_…`: moves real money."""

    TEST = "test"
    """`sk_test_…`: for a platform that is there to be tried out."""


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Token:
    """A key as the merchant holds it: `sk_live_{id}_{secret}`. The id is public, the whole is not."""

    text: str = field(repr=False)
    mode: KeyMode
    key_id: str

    @classmethod
    def build(cls, mode: KeyMode, *, id_number: int, secret_number: int) -> Token:
        """Return the token of `ID_BITS` and `SECRET_BITS` random bits, written in base 62."""
        key_id = _base62(id_number, _ID_LENGTH)
        return cls(f"sk_{mode}_{key_id}_{_base62(secret_number, _SECRET_LENGTH)}", mode, key_id)

    @classmethod
    def parse(cls, text: str) -> Token:
        """Return the token that the text is; raises InvalidCredentials, which never repeats it."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            raise InvalidCredentials("this is not an API key")
        return cls(text, KeyMode(match["mode"]), match["id"])


@dataclass(frozen=True, slots=True)
class Pepper:
    """The server's secret: without it, a copy of the table can neither check nor guess a key."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a short one: raises ApiKeysNotConfigured."""
        if len(self.value) < PEPPER_LENGTH_MIN:
            raise ApiKeysNotConfigured(f"the pepper of the API keys has less than {PEPPER_LENGTH_MIN} characters")

    def digest(self, token: Token) -> bytes:
        """Return what is stored of a token: HMAC-SHA256 of all of it, mode and id included.

        A fast hash is right here: 192 random bits cannot be guessed, as a password could.
        """
        return hmac.digest(self.value, token.text.encode("ascii"), "sha256")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, proved by a key."""

    customer_id: str
    scopes: frozenset[Scope]
    key_id: str

    def require_scope(self, scope: Scope) -> None:
        """Raise InsufficientScope unless the key has the scope; `write` does not include `read`."""
        if scope not in self.scopes:
            raise InsufficientScope(f"this API key has no {scope} scope")

    def require_customer(self, customer_id: str) -> None:
        """Raise CustomerMismatch when the request names another merchant than the key does."""
        if customer_id != self.customer_id:
            raise CustomerMismatch("x-customer-id is not the merchant of this API key")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the platform knows it. It never expires when `expires_at` is None."""

    id: str
    customer_id: str
    mode: KeyMode
    scopes: frozenset[Scope]
    token_hmac: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def lifetime(self) -> timedelta | None:
        """How long it works in all; None for ever."""
        return None if self.expires_at is None else self.expires_at - self.created_at

    def status(self, *, at: datetime) -> str:
        """Return `active`, `expiring`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is None:
            return "active"
        return "expiring" if at < self.expires_at else "expired"

    def authenticate(self, token_hmac: bytes, *, at: datetime) -> Principal:
        """Return the caller whose token has this HMAC.

        Raises InvalidCredentials; that a key has expired is told only to who has proved to hold it.
        """
        if not hmac.compare_digest(self.token_hmac, token_hmac):
            raise InvalidCredentials("no such API key")
        if self.revoked_at is not None:
            raise InvalidCredentials("this API key was revoked")
        if self.expires_at is not None and self.expires_at <= at:
            raise InvalidCredentials("this API key has expired")
        return Principal(self.customer_id, self.scopes, self.id)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, and the one and only look at its token."""

    key: ApiKey
    token: Token


def checked_customer(customer_id: str) -> str:
    """Return the merchant's name; raises ValueError for one that no request could carry."""
    if not 1 <= len(customer_id) <= CUSTOMER_ID_LENGTH_MAX or not customer_id.isprintable():
        raise ValueError(f"a customer id has 1 to {CUSTOMER_ID_LENGTH_MAX} printable characters")
    if holds_card_data(customer_id):
        raise ValueError("a customer id must not contain a card number")
    return customer_id


def checked_scopes(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return the scopes as a set; raises ValueError when there is none."""
    if not (unique := frozenset(scopes)):
        raise ValueError("an API key needs at least one scope")
    return unique


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
