from collections.abc import Callable

import dagster as dg
import pytest

from psp_core.domain.kernel.errors import StorageUnavailable
from psp_pipelines.kernel.failures import RETRIES_MAX, refusals_end_the_run, tried_again
from tests.pipelines.operations import failure_of


def run(instance: dg.DagsterInstance, fail: Callable[[], None]) -> dg.ExecuteInProcessResult:
    @dg.asset
    def failing(context: dg.AssetExecutionContext) -> None:
        with tried_again(context, first_delay_s=0), refusals_end_the_run():
            fail()

    return dg.materialize([failing], instance=instance, raise_on_error=False)


class TestTriedAgain:
    @pytest.mark.parametrize(
        ("failure", "sentence"),
        [
            (StorageUnavailable("the database did not answer in time"), "the database did not answer in time"),
            (ValueError("A string literal\nwith a second line"), "ValueError: A string literal"),
            (KeyError(), "KeyError"),
        ],
    )
    def test_says_in_the_end_what_failed(self, failure: Exception, sentence: str, instance: dg.DagsterInstance) -> None:
        def fail() -> None:
            raise failure

        result = run(instance, fail)

        assert failure_of(result) == sentence
        retries = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
        assert len(retries) == RETRIES_MAX

    def test_ends_well_when_it_passed(self, instance: dg.DagsterInstance) -> None:
        failures = [StorageUnavailable("gone"), StorageUnavailable("still gone")]

        def fail() -> None:
            if failures:
                raise failures.pop()

        assert run(instance, fail).success
