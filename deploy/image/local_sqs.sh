#!/bin/sh
# The SQS endpoint, with the platform's queues in it: killed, it forgets them and whatever they held.
set -eu
until python -m psp_core.cli queues create 2>/dev/null; do sleep 1; done &
exec python -m ministack
