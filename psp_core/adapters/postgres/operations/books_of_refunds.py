"""The rules of money that comes back: each is a query whose rows are its violations, over all payables of a sale."""

from __future__ import annotations

REFUND_RULES = {
    "refunds_are_at_most_what_was_captured": """
        SELECT transaction_id::text, format('captured %%s, given back %%s', captured_minor, back_minor)
        FROM (
            SELECT transaction_id, coalesce(sum(amount_minor) FILTER (WHERE type = 'credit'), 0) AS captured_minor,
                   -coalesce(sum(amount_minor) FILTER (WHERE type <> 'credit'), 0) AS back_minor
            FROM payables GROUP BY transaction_id
        ) AS sums
        WHERE back_minor NOT BETWEEN 0 AND captured_minor
    """,
    "refunds_of_an_installment_are_at_most_its_credit": """
        SELECT transaction_id::text, format('installment %%s: %%s with a fee of %%s is left', installment, left_minor,
                                            fee_left_minor)
        FROM (
            SELECT transaction_id, installment, sum(amount_minor) AS left_minor, sum(fee_minor) AS fee_left_minor,
                   coalesce(sum(fee_minor) FILTER (WHERE type = 'credit'), 0) AS fee_minor
            FROM payables GROUP BY transaction_id, installment
        ) AS sums
        WHERE left_minor < 0 OR fee_left_minor NOT BETWEEN 0 AND fee_minor
    """,
    "refund_is_its_payables": """
        SELECT coalesce(refunds.id, source_id)::text,
               format('%%s of %%s returning %%s, its payables %%s and %%s', refunds.status,
                      refunds.amount_minor, fee_returned_minor, sums.amount_minor, sums.fee_minor)
        FROM (
            SELECT source_id, -sum(amount_minor) FILTER (WHERE type = 'refund') AS amount_minor,
                   -sum(fee_minor) FILTER (WHERE type = 'refund') AS fee_minor,
                   sum(amount_minor) FILTER (WHERE type = 'refund_reversal') AS reversed_minor,
                   sum(fee_minor) FILTER (WHERE type = 'refund_reversal') AS fee_reversed_minor
            FROM payables WHERE source_id IS NOT NULL GROUP BY source_id
        ) AS sums FULL JOIN refunds ON refunds.id = source_id
        WHERE (refunds.amount_minor, fee_returned_minor) IS DISTINCT FROM (sums.amount_minor, sums.fee_minor)
           OR (CASE status WHEN 'failed' THEN refunds.amount_minor END,
               CASE status WHEN 'failed' THEN fee_returned_minor END)
              IS DISTINCT FROM (reversed_minor, fee_reversed_minor)
    """,
    "what_came_back_is_the_refunds": """
        SELECT transaction_id::text, format('counted %%s of %%s, its refunds %%s of %%s', refunded_minor,
                                            captured_minor, given_minor, amount_minor)
        FROM (SELECT id AS transaction_id, amount_minor FROM transactions) AS captured
        LEFT JOIN (
            SELECT transaction_id, sum(amount_minor) FILTER (WHERE status <> 'failed') AS given_minor FROM refunds
            GROUP BY transaction_id
        ) AS given USING (transaction_id)
        LEFT JOIN returned_amounts USING (transaction_id)
        WHERE coalesce(refunded_minor, 0) <> coalesce(given_minor, 0)
           OR captured_minor <> amount_minor
    """,
}
