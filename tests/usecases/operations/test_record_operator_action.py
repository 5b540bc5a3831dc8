from __future__ import annotations

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from psp_core.bootstrap import Core


class TestRecordOperatorAction:
    def test_keeps_who_did_what_and_why(self, core: Core) -> None:
        record = core.record_operator_action("settle", reason="bank holiday", run_id="run-1", details={"dry_run": "no"})

        assert core.record_operator_action.newest(limit=10) == [record]

    def test_refuses_an_action_without_a_reason(self, core: Core) -> None:
        with pytest.raises(ValueError, match="settle by hand needs a reason"):
            core.record_operator_action("settle", reason="  ", run_id="run-1", details={})

    def test_refuses_a_reason_with_card_data(self, core: Core) -> None:
        with pytest.raises(ValueError, match="card number") as refused:
            core.record_operator_action("settle", reason="of 4111 1111 1111 1111", run_id="run-1", details={})

        assert "1111" not in str(refused.value)

    def test_records_a_run_that_is_tried_again_once(self, core: Core) -> None:
        for _ in range(2):
            core.record_operator_action("settle", reason="late", run_id="run-1", details={})

        assert len(core.record_operator_action.newest(limit=10)) == 1

    @pytest.mark.parametrize("statement", ["UPDATE operator_actions SET reason = 'x'", "DELETE FROM operator_actions"])
    def test_cannot_be_changed_afterwards(self, core: Core, database_url: str, statement: str) -> None:
        core.record_operator_action("settle", reason="late", run_id="run-1", details={})
        engine = create_engine(database_url)

        with pytest.raises(IntegrityError, match="immutable"), engine.begin() as connection:
            connection.exec_driver_sql(statement)

        engine.dispose()
