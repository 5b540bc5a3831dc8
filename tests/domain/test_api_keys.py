from __future__ import annotations

import hashlib
import hmac
import string
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from psp_core.domain.access import (
    ID_BITS,
    PEPPER_LENGTH_MIN,
    SECRET_BITS,
    ApiKey,
    IssuedKey,
    KeyMode,
    Pepper,
    Scope,
    Token,
    checked_customer,
    checked_scopes,
)
from psp_core.domain.kernel.errors import ApiKeysNotConfigured, CustomerMismatch, InsufficientScope, InvalidCredentials
from tests.builders import NOON

PEPPER = Pepper(b"p" * PEPPER_LENGTH_MIN)
TOKENS = st.builds(
    Token.build,
    st.sampled_from(KeyMode),
    id_number=st.integers(0, 2**ID_BITS - 1),
    secret_number=st.integers(0, 2**SECRET_BITS - 1),
)
A_TOKEN = Token.build(KeyMode.LIVE, id_number=7, secret_number=11)


def a_key(token: Token = A_TOKEN, *, token_hmac: bytes | None = None) -> ApiKey:
    return ApiKey(
        id=token.key_id,
        customer_id="merchant-1",
        mode=token.mode,
        scopes=frozenset({Scope.READ}),
        token_hmac=token_hmac or PEPPER.digest(token),
        created_at=NOON,
    )


class NeverCompared(bytes):
    """Bytes that only a function that reads their memory can compare: `==` ends at the first difference."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("an HMAC was compared in a time that tells about it")

    __ne__ = __eq__


class TestToken:
    @given(TOKENS)
    def test_is_read_back_as_it_was_built(self, token: Token) -> None:
        assert Token.parse(token.text) == token

    @given(st.integers(0, 2**SECRET_BITS - 1), st.integers(0, 2**SECRET_BITS - 1))
    def test_keeps_every_random_bit(self, one: int, other: int) -> None:
        assume(one != other)

        tokens = {Token.build(KeyMode.LIVE, id_number=7, secret_number=number).text for number in (one, other)}

        assert len(tokens) == 2

    @pytest.mark.parametrize("number", [0, 2**SECRET_BITS - 1])
    def test_has_one_length(self, number: int) -> None:
        assert len(Token.build(KeyMode.TEST, id_number=0, secret_number=number).text) == 58

    @given(st.text())
    def test_refuses_any_other_text_without_repeating_it(self, text: str) -> None:
        with pytest.raises(InvalidCredentials) as refusal:
            Token.parse(text)

        assert str(refusal.value) == "this is not an API key"

    @pytest.mark.parametrize("change", ["{}\n", " {}", "Bearer {}", "{}é", "{}\0", "{}0"])
    def test_refuses_a_text_around_it(self, change: str) -> None:
        with pytest.raises(InvalidCredentials):
            Token.parse(change.format(A_TOKEN.text))

    def test_stays_out_of_logs(self) -> None:
        issued = IssuedKey(a_key(), A_TOKEN)

        for shown in (repr(issued), repr(A_TOKEN), repr(PEPPER), str(issued)):
            assert A_TOKEN.text.rpartition("_")[2] not in shown
            assert "pppp" not in shown
            assert repr(a_key().token_hmac) not in shown


class TestPepper:
    def test_makes_an_hmac_sha256_of_the_whole_token(self) -> None:
        expected = hmac.new(b"p" * PEPPER_LENGTH_MIN, A_TOKEN.text.encode(), hashlib.sha256).digest()

        assert PEPPER.digest(A_TOKEN) == expected
        assert PEPPER.digest(A_TOKEN) != hashlib.sha256(A_TOKEN.text.encode()).digest()

    def test_decides_the_hmac(self) -> None:
        assert PEPPER.digest(A_TOKEN) != Pepper(b"q" * PEPPER_LENGTH_MIN).digest(A_TOKEN)

    def test_refuses_to_be_short(self) -> None:
        with pytest.raises(ApiKeysNotConfigured, match="32"):
            Pepper(b"p" * (PEPPER_LENGTH_MIN - 1))


class TestAuthenticate:
    def test_returns_whom_the_key_is_for(self) -> None:
        principal = a_key().authenticate(PEPPER.digest(A_TOKEN), at=NOON)

        assert (principal.customer_id, principal.scopes, principal.key_id) == (
            "merchant-1",
            frozenset({Scope.READ}),
            a_key().id,
        )

    @given(TOKENS, st.data())
    def test_refuses_a_token_with_any_one_character_changed(self, token: Token, data: st.DataObject) -> None:
        key = a_key(token)
        at = data.draw(st.integers(0, len(token.text) - 1))
        letter = data.draw(st.sampled_from(string.printable).filter(lambda letter: letter != token.text[at]))
        changed = token.text[:at] + letter + token.text[at + 1 :]

        with pytest.raises(InvalidCredentials):
            key.authenticate(PEPPER.digest(Token.parse(changed)), at=NOON)

    @pytest.mark.parametrize("differing_byte", [0, 31])
    def test_compares_in_constant_time(self, differing_byte: int) -> None:
        good = PEPPER.digest(A_TOKEN)
        bad = bytearray(good)
        bad[differing_byte] ^= 1
        key = a_key(token_hmac=NeverCompared(good))

        assert key.authenticate(NeverCompared(good), at=NOON).customer_id == "merchant-1"
        with pytest.raises(InvalidCredentials):
            key.authenticate(NeverCompared(bad), at=NOON)


class TestPrincipal:
    def test_may_do_what_its_scopes_say_and_no_more(self) -> None:
        principal = a_key().authenticate(PEPPER.digest(A_TOKEN), at=NOON)

        principal.require_scope(Scope.READ)
        with pytest.raises(InsufficientScope, match="write"):
            principal.require_scope(Scope.WRITE)

    def test_calls_for_no_other_merchant(self) -> None:
        principal = a_key().authenticate(PEPPER.digest(A_TOKEN), at=NOON)

        principal.require_customer("merchant-1")
        with pytest.raises(CustomerMismatch):
            principal.require_customer("merchant-2")


class TestChecks:
    @pytest.mark.parametrize("name", ["", "x" * 256, "merchant\n", "merchant\0", "4111 1111 1111 1111"])
    def test_refuse_a_merchant_that_no_request_could_name(self, name: str) -> None:
        with pytest.raises(ValueError, match="customer id"):
            checked_customer(name)

    def test_refuse_a_key_without_a_scope(self) -> None:
        with pytest.raises(ValueError, match="scope"):
            checked_scopes([])

    def test_name_a_keys_status(self) -> None:
        key = a_key()
        expiring = replace(key, expires_at=NOON + timedelta(hours=1))

        assert key.status(at=NOON) == "active"
        assert expiring.status(at=NOON) == "expiring"
        assert expiring.status(at=NOON + timedelta(hours=1)) == "expired"
        assert replace(expiring, revoked_at=NOON).status(at=NOON) == "revoked"
