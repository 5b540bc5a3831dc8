"""Finance operations' way into the platform: assets, checks, schedules and sensors for Dagster."""

import warnings

from dagster import BetaWarning, PreviewWarning

# Backfill policies are "beta" to Dagster since 2023. Its release is pinned, and tests hold what is used of it.
for _category in (BetaWarning, PreviewWarning):
    warnings.simplefilter("ignore", category=_category)
