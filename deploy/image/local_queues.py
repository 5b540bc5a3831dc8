"""Makes the platform's queues in the SQS endpoint that starts beside it, as soon as that one answers.

No person does it, so nothing is recorded, as `psp queues create` would: this container has no login to the database.
"""

from __future__ import annotations

import time

from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import sqs_settings
from psp_core.domain.kernel.errors import QueueUnavailable
from psp_core.settings import Settings, load

_TRY_AGAIN_AFTER_S = 0.5


def main() -> None:
    """Create both queues, unless they exist; whatever else goes wrong than that nobody answers ends it."""
    queue = SqsQueue(sqs_settings(load(Settings)))
    while True:
        try:
            queue.create()
        except QueueUnavailable:
            time.sleep(_TRY_AGAIN_AFTER_S)
        else:
            return


if __name__ == "__main__":
    main()
