"""Forget replies to requests with an idempotency key, once they were kept for long enough beyond doubt."""

from rowferry import ledger
from rowferry.backends.protocol import Backend

IDEMPOTENCY_HOURS = 24
"""How long a service has to run at least, before it forgets the answer to a request with an idempotency key."""

KEPT_SECONDS = 3600 * IDEMPOTENCY_HOURS + ledger.LONGEST_GAP_SECONDS

_STEP, _STEPS = 1_000, 20
"""So many go in one transaction, between which others have their turn; and so many transactions at a time."""


def forget_replies(backend: Backend, witnessed: ledger.WitnessedTime) -> int:
    """Note the time that has passed since this process asked for it last, and forget what is due by then; how many.

    Nothing is due by what a clock says, only by the time that services have run: see WitnessedTime. A ledger without
    replies is not written to.
    """
    with backend.errors(), backend.engine.connect() as connection:
        if not ledger.has_replies(connection):
            witnessed.look(connection, note=False)
            return 0
    with backend.short_transaction() as transaction:
        witnessed.look(transaction.connection, note=True)
    forgotten = 0
    for _ in range(_STEPS):
        with backend.short_transaction() as transaction:
            gone = ledger.forget_replies(transaction.connection, KEPT_SECONDS, _STEP)
        forgotten += gone
        if gone < _STEP:
            break
    return forgotten
