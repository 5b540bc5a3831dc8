#!/bin/sh
# The SQS endpoint, with the platform's queues in it: killed, it forgets them and whatever they held.
set -eu
python -m deploy.image.local_queues &
exec python -m ministack
