"""The external asset `transactions`: stored by the merchant API, shown here as where everything begins."""

import dagster as dg

transactions = dg.AssetSpec(
    "transactions",
    description=(
        "Card transactions, as merchants post them to the API. Each is stored together with an entry in the outbox, "
        "from where it goes to the queue: Dagster has no part in it."
    ),
    group_name="intake",
    owners=["team:payments"],
    kinds={"falcon", "postgres"},
)
