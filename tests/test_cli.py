"""Whatever is typed, `psp` answers in a sentence: no input ends in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from psp_core.adapters.clock import SystemClock
from psp_core.bootstrap import Core
from psp_core.cli.commands import main
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import Payable, PayableFilter
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN, FeePlan
from psp_core.settings import Settings
from tests.builders import NOON, a_new_transaction, a_submission

NEW = ("--new-merchant", "--yes", "--reason", "contract 7")
PSP = Path(sys.executable).parent / "psp"
NO_ENTRY = "00000000-0000-0000-0000-000000000000"
NOWHERE = "postgresql+psycopg2://psp:secret@127.0.0.1:1/psp"


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "PSP_DATABASE_URL": settings.database_url.get_secret_value(),
        "PSP_SQS_ENDPOINT_URL": str(settings.sqs_endpoint_url),
        "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
        "PSP_API_KEY_PEPPER": "p" * 64,
    }


def psp(environment: dict[str, str], *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PSP, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60)


def sell(core: Core) -> Payable:
    """Sell something by credit card now, and return what is due for it."""
    real = replace(core, clock=SystemClock())
    real.accept_transactions([a_submission()])
    real.keep_relaying().run_until_empty()
    real.drain_queue()
    [payable] = core.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page())
    return payable


REFUSED: list[tuple[tuple[str | bytes, ...], str]] = [
    (("fee-plans", "set", ""), "a merchant's name is 1 to 255 visible ASCII characters"),
    (("fee-plans", "set", "x" * 300), "a merchant's name"),
    (("fee-plans", "set", "na\u00efve"), "a merchant's name"),
    (("fee-plans", "set", b"\xff"), "a merchant's name"),
    (("fee-plans", "set", "4111 1111 1111 1111"), "must not contain a card number"),
    (("keys", "create", "m-4111111111111111", "--scope", "read"), "must not contain a card number"),
    (("fee-plans", "set", "m", "--credit-fee-bps", "10001"), "credit-fee-bps"),
    (("fee-plans", "set", "m", "--debit-fee-bps", "-1"), "debit-fee-bps"),
    (("fee-plans", "set", "m", "--credit-delay-days", "9" * 30), "credit-delay-days"),
    (("fee-plans", "set", "m", "--calendar", "none"), "calendar"),
    (("settle", "2026-01-01", "--reason", "x" * 1_001), "at most 1000 characters, this one 1001"),
    (("settle", "2026-01-01", "--reason", b"\xff"), "plain text"),
    (("settle", "2026-01-01", "--reason", " "), "settle needs a reason, which is recorded: add --reason"),
    (("settle", "2026-02-30", "--reason", "x"), "DUE_ON"),
    (("settle", "9999-12-31", "--reason", "x"), "has not come yet"),
    (("explain", "nobody", "--on", "2026-01-01"), "there is nothing to explain"),
    (("explain", "4111 1111 1111 1111", "--on", "2026-01-01"), "must not contain a card number"),
    (("explain", "m", "--on", "soon"), "--on"),
    (("explain", "m"), "--on"),
    (("keys", "create", "x" * 300, "--scope", "read"), "a merchant's name"),
    (("keys", "create", "m", "--scope", "admin"), "scope"),
    (("keys", "rotate", b"\xff"), "a key's id"),
    (("keys", "rotate", "0" * 16, "--reason", "x"), "no such"),
    (("keys", "rotate", "0" * 16, "--overlap-hours", "99999999"), "overlap-hours"),
    (("keys", "revoke", ""), "a key's id"),
    (("keys", "revoke", "0" * 16), 'keys revoke needs a reason, which is recorded: add --reason "why"'),
    (("keys", "rotate", "0" * 16, "--reason", " "), "keys rotate needs a reason"),
    (("keys", "create", "m", "--scope", "read"), "keys create needs a reason"),
    (("fee-plans", "set", "m", "--debit-fee-bps", "1"), "fee-plans set needs a reason"),
    (("fee-plans", "set", "m", "--reason", "x"), "say what changes: --credit-fee-bps, --debit-fee-bps, --credit-delay"),
    (("fee-plans", "set", "m", "--debit-fee-bps", "1", "--reason", "x"), "where it is no mistake, add --new-merchant"),
    (("fee-plans", "set", "m", "--debit-fee-bps", "1", "--new-merchant", "--reason", "x"), "add --yes"),
    (("fee-plans", "show", "m"), "nobody called 'm' has made a transaction, or has terms or a key"),
    (("fee-plans", "show", "m", "--on", "2026-02-30"), "--on"),
    (("fee-plans", "list", "--limit", "1001"), "--limit"),
    (("actions", "list", "--since", "yesterday"), "--since"),
    (("actions", "list", "--limit", "0"), "--limit"),
    (("keys", "list", ""), "a merchant's name"),
    (("ledger", "seal", "9999-12-31"), "ledger seal needs a reason"),
    (("ledger", "seal", "9999-12-31", "--reason", "x"), "is not over"),
    (("ledger", "seal", "2026-02-30"), "DAY"),
    (("ledger", "entry", "1"), "entry_id"),
    (("ledger", "entry", NO_ENTRY), "no such entry"),
    (("ledger", "balance", "na\u00efve"), "a merchant's name"),
    (("ledger", "reverse", NO_ENTRY), "ledger reverse needs a reason"),
    (("ledger", "reverse", NO_ENTRY, "--reason", " "), "ledger reverse needs a reason"),
    (("ledger", "reverse", NO_ENTRY, "--reason", "x"), "no such entry"),
    (("ledger", "reverse", NO_ENTRY, "--reason", "x", "--instead", "debit"), "SIDE ACCOUNT AMOUNT"),
    (("ledger", "reverse", NO_ENTRY, "--reason", "x", "--instead", "debit mine 1"), "no such side or account"),
    (("ledger", "reverse", NO_ENTRY, "--reason", "x", "--instead", "debit suspense 1.5"), "no whole number"),
    (("refunds", "create", "1"), "transaction_id"),
    (("refunds", "create", NO_ENTRY), "refunds create needs a reason"),
    (("refunds", "create", NO_ENTRY, "--amount", "0"), "--amount"),
    (("refunds", "create", NO_ENTRY, "--reason", "x"), "no such transaction"),
    (("refunds", "fail", NO_ENTRY), "refunds fail needs a reason"),
    (("refunds", "fail", NO_ENTRY, "--reason", "x"), "no such refund"),
    (("merchant-terms", "set", "m", "BRL", "--reason", "x"), "say what changes: --negative-limit or --no-limit"),
    (
        ("merchant-terms", "set", "m", "BRL", "--no-limit", "--negative-limit", "1", "--reason", "x"),
        "give one of --negative-limit and --no-limit",
    ),
    (("merchant-terms", "set", "m", "XXX", "--no-limit"), "currency"),
    (("merchant-terms", "set", "m", "BRL", "--no-limit"), "merchant-terms set needs a reason"),
    (("demo", "--transactions", "0"), "transactions"),
    (("demo", "--day-seconds", "nan"), "day-seconds"),
    (("demo", "--day-seconds", "inf"), "day-seconds"),
]


class TestPsp:
    @pytest.mark.parametrize(("arguments", "sentence"), REFUSED)
    def test_refuses_in_a_sentence(
        self,
        arguments: tuple[str | bytes, ...],
        sentence: str,
        environment: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # As a program gets them. In this process: a second of imports for each would be most of this file's time.
        monkeypatch.setattr(sys, "argv", ["psp", *map(os.fsdecode, arguments)])

        with pytest.raises(SystemExit) as end:
            main()

        # A sentence to end with is printed by the interpreter.
        code, last = (1, end.value.code) if isinstance(end.value.code, str) else (end.value.code, "")
        said = capsys.readouterr().err + last
        assert code in (1, 2), said
        assert sentence.lower() in said.splitlines()[-1].lower(), said

    @pytest.mark.parametrize(
        ("variables", "sentence"),
        [
            ({"PSP_DATABASE_URL": NOWHERE}, "the database"),
            ({"PSP_DATABASE_URL": "nonsense"}, "PSP_DATABASE_URL is no URL"),
            ({"PSP_DATABASE_POOL_SIZE": "many"}, "PSP_DATABASE_POOL_SIZE: Input should be a valid integer"),
            ({"PSP_API_KEY_PEPPER": "short"}, "PSP_API_KEY_PEPPER"),
        ],
    )
    @pytest.mark.parametrize("command", ["migrate", "check-books"])
    def test_says_which_setting_is_wrong(
        self, command: str, variables: dict[str, str], sentence: str, environment: dict[str, str]
    ) -> None:
        ended = psp(environment | variables, command)

        assert ended.returncode == 1
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
        assert sentence in ended.stderr
        assert "secret" not in ended.stderr

    def test_takes_what_is_meant(self, environment: dict[str, str], core: Core) -> None:
        ended = psp(environment, "fee-plans", "set", "a merchant", "--credit-delay-days", "2", *NEW)

        assert ended.returncode == 0, ended.stderr
        with core.store.begin() as work:
            [plan] = work.fee_plans.of(["a merchant"])["a merchant"]
        assert isinstance(plan, FeePlan)
        assert (plan.credit_delay_days, plan.credit_fee_bps) == (2, DEFAULT_FEE_PLAN.credit_fee_bps)

    def test_keeps_the_ledger(self, environment: dict[str, str], core: Core, tmp_path: Path) -> None:
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=8_000))])
        core.keep_relaying().run_until_empty()
        core.drain_queue()
        with core.read_ledger.store.begin() as work:
            [entry] = work.ledger.entries_of(NOON.date())
        file = tmp_path / "ledger.beancount"
        says = {
            ("ledger", "open"): "the opening has ended",
            ("ledger", "balance", "merchant-1"): "BRL: pending 76.00, settling 0.00, available 0.00",
            ("ledger", "entry", str(entry.id)): "1 payables name it",
            ("ledger", "export", str(file)): "",
            ("ledger", "seal", str(NOON.date()), "--reason", "x"): "1 entries, SHA-256",
            ("ledger", "verify"): "1 sealed days are as they were sealed",
            ("check-books", "--full"): "the books balance, all of them",
        }

        for arguments, said in says.items():
            ended = psp(environment, *arguments)

            assert ended.returncode == 0, ended.stderr
            assert said in ended.stdout
        assert "Liabilities:MerchantPending:M-merchant-1" in file.read_text()


class TestSettle:
    def test_says_of_a_date_to_come_that_it_is_a_forecast(self, environment: dict[str, str], core: Core) -> None:
        due_on = sell(core).due_on

        ended = psp(environment, "settle", str(due_on), "--dry-run")

        assert ended.returncode == 0, ended.stderr
        forecast, due = ended.stdout.splitlines()
        assert forecast.startswith(f"forecast: nothing is paid before {due_on}")
        assert due == "BRL: 1 payables, gross 2500, fee 125, net 2375 (minor units)"


class TestExplain:
    def test_shows_what_waits_and_when_it_is_due(self, environment: dict[str, str], core: Core) -> None:
        due_on = sell(core).due_on

        ended = psp(environment, "explain", "merchant-1", "--on", str(due_on))

        assert ended.returncode == 0, ended.stderr
        assert f"merchant-1 on {due_on}: paid out nothing" in ended.stdout
        assert f"  {due_on}   BRL              1  25.00  1.25  23.75" in ended.stdout.splitlines()
        assert ended.stdout.splitlines()[-1] == "report: none yet"


class TestVersion:
    def test_is_the_projects(self) -> None:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]

        assert psp(dict(os.environ), "--version").stdout == f"psp {project['version']}\n"
