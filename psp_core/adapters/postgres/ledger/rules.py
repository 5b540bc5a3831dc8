"""The ledger's rules for the books: each is a query whose rows are its violations, over a window of entries."""

from __future__ import annotations

from psp_core.adapters.postgres.ledger.posting import BALANCE_COLUMNS
from psp_core.adapters.postgres.ledger.seals import GROWN

_NAMES = ", ".join(BALANCE_COLUMNS.values())
_SUMS = ", ".join(f"coalesce(sealed.{name}, 0) + moved.{name}" for name in BALANCE_COLUMNS.values())
_STORED = ", ".join(f"stored.{name}" for name in BALANCE_COLUMNS.values())
_MOVED = ", ".join(f"moved.{name}" for name in BALANCE_COLUMNS.values())
_STORED_OR_ZERO = ", ".join(f"coalesce(stored.{name}, 0)" for name in BALANCE_COLUMNS.values())
_MOVED_OR_ZERO = ", ".join(f"coalesce(moved.{name}, 0)" for name in BALANCE_COLUMNS.values())
_ZEROS = "'00000000-0000-0000-0000-000000000000'"


def ledger_scope(fence: str) -> str:
    """Return the rows that the rules of a window look at, as common table expressions.

    `fence` ends each lateral look-up by a key. An entry's payables are made at its instant, so their ids begin with it:
    found without an index of their own. `said` is what an entry says now: itself, the mirror that reversed it, and what
    was posted instead.
    """
    return f"""
WITH fresh AS MATERIALIZED (
    SELECT * FROM ledger_entries WHERE effective_on > %(after_day)s AND effective_on <= %(until_day)s
), mirrors AS MATERIALIZED (
    SELECT fresh.id AS origin_id, kind, currency, mirror.id
    FROM fresh CROSS JOIN LATERAL (SELECT id FROM ledger_entries WHERE reverses_id = fresh.id {fence}) AS mirror
), said AS MATERIALIZED (
    SELECT id AS origin_id, kind, currency, id FROM fresh
    UNION ALL
    SELECT origin_id, kind, currency, id FROM mirrors
    UNION ALL
    SELECT origin_id, kind, currency, correction.id
    FROM mirrors CROSS JOIN LATERAL (
        SELECT id FROM ledger_entries WHERE source = mirrors.id::text AND kind = 'correction' {fence}
    ) AS correction
), said_postings AS MATERIALIZED (
    SELECT origin_id, kind, currency, id = origin_id AS is_its_own, lines.*
    FROM said CROSS JOIN LATERAL (
        SELECT account, customer_id, side, amount_minor FROM ledger_postings WHERE entry_id = said.id {fence}
    ) AS lines
), moved AS MATERIALIZED (
    SELECT DISTINCT customer_id, currency FROM said_postings WHERE is_its_own AND customer_id IS NOT NULL
), balances AS MATERIALIZED (
    SELECT moved.customer_id, moved.currency, {_STORED}
    FROM moved LEFT JOIN LATERAL (
        SELECT * FROM ledger_balances WHERE customer_id = moved.customer_id AND currency = moved.currency {fence}
    ) AS stored ON true
), made AS MATERIALIZED (
    SELECT id, entry_id, customer_id, payment_method, type, amount_minor, fee_minor, receivable_minor FROM payables
    WHERE id >= %(from_payable)s AND id < %(before_payable)s
)
"""


WINDOW_RULES = {
    "ledger_entry_balances": """
        SELECT fresh.id::text, format('debits %%s, credits %%s', debits, credits)
        FROM fresh LEFT JOIN (
            SELECT origin_id, sum(amount_minor) FILTER (WHERE side = 'debit') AS debits,
                   sum(amount_minor) FILTER (WHERE side = 'credit') AS credits
            FROM said_postings WHERE is_its_own GROUP BY origin_id
        ) AS sums ON origin_id = fresh.id
        WHERE debits IS NULL OR debits IS DISTINCT FROM credits
    """,
    "ledger_capture_is_its_payables": """
        WITH posted AS (
            SELECT origin_id AS entry_id, account, customer_id, sum(CASE side
                WHEN CASE account WHEN 'acquirer_receivable' THEN 'debit' ELSE 'credit' END THEN amount_minor
                ELSE -amount_minor END) AS amount
            FROM said_postings WHERE kind IN ('capture', 'refund', 'refund_reversal') GROUP BY 1, 2, 3
        ), captured AS MATERIALIZED (
            SELECT made.* FROM made JOIN fresh ON fresh.id = entry_id
        ), wanted AS (
            SELECT entry_id, 'acquirer_receivable' AS account, NULL AS customer_id, sum(amount_minor) AS amount
            FROM captured GROUP BY 1
            UNION ALL SELECT entry_id, 'fee_revenue', NULL, sum(fee_minor) FROM captured GROUP BY 1
            UNION ALL
            SELECT entry_id,
                   CASE WHEN payment_method = 'debit_card' AND type = 'credit' THEN 'merchant_available'
                        ELSE 'merchant_pending' END,
                   customer_id, sum(receivable_minor)
            FROM captured GROUP BY 1, 2, 3
        )
        SELECT entry_id::text, format('%%s %%s: posted %%s, its payables %%s', account, customer_id,
                                      sum(posted), sum(wanted))
        FROM (
            SELECT entry_id, account, customer_id, amount AS posted, 0 AS wanted FROM posted
            UNION ALL SELECT entry_id, account, customer_id, 0, amount FROM wanted
        ) AS both_sides
        GROUP BY entry_id, account, customer_id HAVING sum(posted) <> sum(wanted)
    """,
    # What is younger may be a drain's of the program of before: the next walk of the opening books it. While the first
    # walks are under way, so is everything that they have not come to.
    "ledger_payable_has_an_entry": f"""
        SELECT id::text, format('its entry is %%s', coalesce(made.entry_id::text, 'missing'))
        FROM made LEFT JOIN (
            SELECT entry_id FROM (SELECT DISTINCT entry_id FROM made) AS named
            CROSS JOIN LATERAL (SELECT FROM ledger_entries WHERE ledger_entries.id = named.entry_id LIMIT 1) AS found
        ) AS known ON known.entry_id = made.entry_id
        WHERE amount_minor <> 0 AND known.entry_id IS NULL AND (made.entry_id IS NOT NULL OR (
            id < %(before_unbooked)s
            AND id > coalesce((SELECT opened_until FROM ledger_state), {_ZEROS}::uuid)
            AND NOT EXISTS (SELECT FROM ledger_state WHERE opening_ended_at IS NULL)))
    """,
    "ledger_close_is_its_settlements": """
        WITH posted AS (
            SELECT origin_id AS entry_id, customer_id, account,
                   sum(CASE side WHEN 'credit' THEN amount_minor ELSE -amount_minor END) AS amount
            FROM said_postings WHERE kind = 'close' GROUP BY 1, 2, 3
        ), wanted AS (
            SELECT settlements.entry_id, customer_id, account, sum(amount) AS amount
            FROM settlements JOIN fresh ON fresh.id = settlements.entry_id
            CROSS JOIN LATERAL (VALUES
                ('merchant_settling', -net_minor),
                ('merchant_receivable', recovered_minor - carried_minor),
                ('merchant_reserve', reserve_withheld_minor - from_reserve_minor),
                ('merchant_available', to_available_minor - from_available_minor)
            ) AS poured (account, amount)
            WHERE closed_at >= %(closed_from)s AND closed_at < %(closed_before)s GROUP BY 1, 2, 3
        )
        SELECT coalesce(posted.entry_id, wanted.entry_id)::text,
               format('%%s %%s: posted %%s, settlements %%s', coalesce(posted.customer_id, wanted.customer_id),
                      coalesce(posted.account, wanted.account), posted.amount, wanted.amount)
        FROM posted FULL JOIN wanted
          ON (posted.entry_id, posted.customer_id, posted.account)
           = (wanted.entry_id, wanted.customer_id, wanted.account)
        WHERE coalesce(posted.amount, 0) <> coalesce(wanted.amount, 0)
    """,
}
"""Each is true of any window of whole days."""

TODAYS_RULES = {
    "ledger_balance_is_its_postings": f"""
        WITH moved AS MATERIALIZED (
            SELECT customer_id, currency, {GROWN} FROM said_postings
            WHERE is_its_own AND customer_id IS NOT NULL GROUP BY customer_id, currency
        )
        SELECT format('%%s %%s', moved.customer_id, moved.currency),
               format('stored %%s, sealed and posted %%s', ROW({_STORED}), ROW({_SUMS}))
        FROM moved
        JOIN balances AS stored USING (customer_id, currency)
        LEFT JOIN LATERAL (
            SELECT {_NAMES} FROM ledger_sealed_balances AS last
            WHERE last.customer_id = moved.customer_id AND last.currency = moved.currency
            ORDER BY sealed_on DESC LIMIT 1
        ) AS sealed ON true
        WHERE ROW({_STORED}) IS DISTINCT FROM ROW({_SUMS})
    """,
    # A run that was killed may have left one open: then there is what it paid, and no more.
    "ledger_settling_is_the_open_settlements": """
        WITH open AS (
            SELECT customer_id, currency, sum(net_minor) AS net_minor FROM settlements
            WHERE status = 'open' GROUP BY customer_id, currency
        )
        SELECT format('%%s %%s', customer_id, currency), format('settling %%s, open settlements %%s',
                                                               settling_minor, net_minor)
        FROM (SELECT customer_id, currency FROM moved UNION SELECT customer_id, currency FROM open) AS looked_at
        LEFT JOIN open USING (customer_id, currency)
        LEFT JOIN LATERAL (
            SELECT settling_minor FROM ledger_balances AS stored
            WHERE stored.customer_id = looked_at.customer_id AND stored.currency = looked_at.currency LIMIT 1
        ) AS stored ON true
        WHERE coalesce(settling_minor, 0) <> coalesce(net_minor, 0)
    """,
    "ledger_balance_is_not_negative": """
        SELECT format('%%s %%s', customer_id, currency),
               format('available %%s, reserve %%s, in transit %%s, debt %%s', available_minor, reserve_minor,
                      in_transit_minor, debt_minor)
        FROM balances WHERE least(available_minor, reserve_minor, in_transit_minor, debt_minor) < 0
    """,
    "ledger_reserve_is_what_is_left_of_its_lots": """
        SELECT format('%%s %%s', customer_id, currency), format('reserve %%s, its lots %%s', reserve_minor, lots_minor)
        FROM balances CROSS JOIN LATERAL (
            SELECT coalesce(sum(left_minor), 0) AS lots_minor FROM reserve_lots
            WHERE customer_id = balances.customer_id AND currency = balances.currency AND left_minor > 0
        ) AS lots
        WHERE coalesce(reserve_minor, 0) <> lots_minor
    """,
    "ledger_debt_leaves_nothing_available": """
        SELECT format('%%s %%s', customer_id, currency), format('debt %%s, available %%s', debt_minor, available_minor)
        FROM balances WHERE debt_minor <> 0 AND available_minor <> 0
    """,
}
"""Each is true now, of every merchant with postings in the window that ends now."""

WHOLE_RULES = {
    "ledger_balances": """
        SELECT currency, format('debits %%s, credits %%s', debits, credits)
        FROM (
            SELECT currency, sum(amount_minor) FILTER (WHERE side = 'debit') AS debits,
                   sum(amount_minor) FILTER (WHERE side = 'credit') AS credits
            FROM ledger_entries JOIN ledger_postings ON entry_id = id GROUP BY currency
        ) AS sums
        WHERE debits IS DISTINCT FROM credits
    """,
    "ledger_posting_has_an_entry": """
        SELECT entry_id::text, account FROM ledger_postings
        WHERE NOT EXISTS (SELECT FROM ledger_entries WHERE id = entry_id)
    """,
    "ledger_balance_is_all_its_postings": f"""
        SELECT format('%%s %%s', customer_id, currency),
               format('stored %%s, posted %%s', ROW({_STORED}), ROW({_MOVED}))
        FROM (
            SELECT customer_id, currency, {GROWN} FROM ledger_entries JOIN ledger_postings ON entry_id = id
            WHERE customer_id IS NOT NULL GROUP BY customer_id, currency
        ) AS moved
        FULL JOIN ledger_balances AS stored USING (customer_id, currency)
        WHERE ({_STORED_OR_ZERO})
           <> ({_MOVED_OR_ZERO})
    """,
    "ledger_pending_is_what_waits": """
        SELECT format('%%s %%s', customer_id, currency),
               format('pending %%s, waiting %%s', pending_minor, waiting_minor)
        FROM ledger_balances FULL JOIN (
            SELECT customer_id, currency, sum(receivable_minor) AS waiting_minor
            FROM payables WHERE status = 'waiting_funds' GROUP BY customer_id, currency
        ) AS waiting USING (customer_id, currency)
        WHERE coalesce(pending_minor, 0) <> coalesce(waiting_minor, 0)
          AND NOT EXISTS (SELECT FROM ledger_state WHERE opening_ended_at IS NULL)
    """,
}
"""Each is true of all that was ever posted, and looked at in one snapshot."""
