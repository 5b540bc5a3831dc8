from __future__ import annotations

from collections.abc import Iterator

from psp_api.server.problems.catalogue import OF_DOMAIN_ERRORS
from psp_core.domain.kernel import errors
from psp_core.domain.kernel.errors import DomainError


def every_kind(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_kind(child)


class TestTheTableOfStatuses:
    def test_names_every_refusal_of_the_core_and_nothing_else(self) -> None:
        # Those of tests and of other programs are not the core's.
        ours = {kind for kind in every_kind(DomainError) if kind.__module__ == "psp_core.domain.kernel.errors"}

        assert set(OF_DOMAIN_ERRORS) == ours

    def test_keeps_the_codes_of_the_core(self) -> None:
        assert {kind.code: problem.code for kind, problem in OF_DOMAIN_ERRORS.items()} == {
            kind.code: kind.code for kind in OF_DOMAIN_ERRORS
        }

    def test_says_when_to_come_back_wherever_it_may_help(self) -> None:
        silent = [problem for problem in OF_DOMAIN_ERRORS.values() if problem.retry_after_s is None]

        assert 503 not in {problem.status for problem in silent}
        assert errors.RequestInProgress.code not in {problem.code for problem in silent}
