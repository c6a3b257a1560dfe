"""`batch_transactions` by REST, and the batches of before."""

import json
import re
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.answers import Limit, Page
from rowferry.api.batch_answers import BatchListed, BatchProblem, BatchReceiptAnswer, BatchShown
from rowferry.api.media_types import is_json
from rowferry.api.openapi import BATCH_BODY, problems
from rowferry.api.problems import MEDIA_TYPE, ProblemError, RequestRefused, problem_of
from rowferry.api.state import ID, Started, State, find_known, reading
from rowferry.errors import BatchUnknown, BodyTooLarge, IdempotencyKeyInvalid
from rowferry.observers.service import service_observer
from rowferry.operations.batch_receipt import BatchClaim, BatchOptions, BatchReceipt, Once, RejectedBatchRow, Reply
from rowferry.operations.batch_transactions import batch_transactions
from rowferry.operations.forget_replies import IDEMPOTENCY_HOURS
from rowferry.operations.load_options import OnConflict
from rowferry.sources.json.batch_text import MAX_BODY_BYTES

router = APIRouter(tags=["batches"])

_ROUTE = "POST /batch-transactions"
_SOURCE = "request body"
_DRAINED_BYTES = 8 * MAX_BODY_BYTES
"""So much of a body that is too large is read and dropped, so that the client comes to read the answer."""

_KEY = re.compile(r'"([!#-\[\]-~]{1,255})"|([!#-+\--~]{1,255})')

_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {"model": BatchReceiptAnswer, "description": "Every row was inserted"},
    207: {"model": BatchReceiptAnswer, "description": "Some rows were rejected; all others were inserted"},
    422: {
        "description": "No row was inserted, or the body is not a batch",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{BatchProblem.__name__}"}}},
    },
}
_REPLAYED = {
    "headers": {
        "Idempotency-Replayed": {
            "schema": {"type": "string"},
            "description": "`true` if it repeats an earlier answer",
        }
    }
}


class BatchQuery(BaseModel):
    """How a batch is to be done."""

    on_conflict: OnConflict = Field(
        default="reject",
        description="A row whose key is already in the table with other values: reject it, skip it, or update",
    )
    all_or_nothing: bool = Field(default=False, description="Insert nothing if any row is rejected")


Key = Annotated[
    str | None,
    Header(
        description="Makes it safe to repeat the request: it is done once, and repeats get the same answer, for "
        f"at least {IDEMPOTENCY_HOURS} hours of service. 1 to 255 visible ASCII characters, such as a UUID; it may "
        "be in quotes. Another body or query under the same key is refused.",
        json_schema_extra={"pattern": f"^({_KEY.pattern})$"},
    ),
]


@router.post(
    "/batch-transactions",
    operation_id="batch_transactions",
    status_code=201,
    response_model=BatchReceiptAnswer,
    responses={status: answer | _REPLAYED for status, answer in _ANSWERS.items()}
    | problems(409, 413, 415, 500, 503, 507),
    openapi_extra=BATCH_BODY,
)
async def post_batch(
    request: Request,
    state: State,
    service: Started,
    query: Annotated[BatchQuery, Query()],
    idempotency_key: Key = None,  # noqa: ARG001  # documents it; read with its repetitions
) -> Response:
    """Insert up to 1000 rows into any tables, parents first, in one transaction.

    Rows may refer to each other. Each row is judged by itself: one that breaks a rule is not inserted, but
    returned with all its faults, and kept.
    """
    claim = BatchClaim.new(_caller(request), _SOURCE, _once(request))
    _require_json(request)
    body = await _read(request)
    options = BatchOptions(**query.model_dump())
    work = partial(batch_transactions, service.backend, service.catalog, body, options)
    async with state.batch_slots:
        outcome = await run_in_threadpool(work, service_observer(service.settings.log_dir, "batch_transactions"), claim)
    if isinstance(outcome, Reply):
        return _answer(outcome, {"Idempotency-Replayed": "true"})
    return _answer(reply_to(outcome))


@router.get("/batches", operation_id="list_batches", responses=problems(422, 503))
def list_batches(
    request: Request,
    service: Started,
    limit: Limit = 100,
    before: Annotated[str | None, Query(pattern=ID, description="A batch; the page starts after it")] = None,
) -> Page[BatchListed]:
    """List batches, newest first."""
    with reading(service) as connection:
        found = ledger.list_batches(connection, limit + 1, before)
    return Page[BatchListed].of(request, found, limit, before="batch_id")


@router.get(
    "/batches/{batch_id}", operation_id="find_batch", response_model=BatchShown, responses=problems(404, 422, 503)
)
def find_batch(batch_id: str, service: Started) -> Response:
    """Show one batch: when, who, what happened to its rows, and which were rejected and why."""
    batch = find_known(service, ledger.find_batch, batch_id, BatchUnknown(batch_id=batch_id))
    with reading(service) as connection:
        rejects = list(ledger.find_rejects(connection, batch_id))
    del batch["rejected"]
    rejected = ", ".join(_as_sent(row).as_json() for row in rejects)
    return Response(f'{json.dumps(batch)[:-1]}, "rejected": [{rejected}]}}', media_type="application/json")


def reply_to(receipt: BatchReceipt) -> Reply:
    """The answer to a batch: 201 if every row is in, 207 if some are, 422 and a problem if none is."""
    failure = receipt.failure()
    if failure is None:
        status = HTTPStatus.MULTI_STATUS if receipt.rejected else HTTPStatus.CREATED
        return Reply(status, "application/json", receipt.as_json())
    problem = problem_of(failure).model_dump(exclude={"load_id", "errors"})
    found = [
        ProblemError(
            location=".".join(["body", row.table, str(row.index), *filter(None, [error["column"]])]),
            code=str(error["code"]),
            message=str(error["message"]),
        ).model_dump()
        for row in receipt.rejected
        for error in row.errors
    ]
    head = json.dumps(problem | {"errors": found})
    return Reply(problem["status"], MEDIA_TYPE, f"{head[:-1]}, {receipt.as_json()[1:]}")


def _answer(reply: Reply, headers: dict[str, str] | None = None) -> Response:
    return Response(reply.answer, reply.status, headers, reply.media_type)


def _as_sent(reject: dict[str, Any]) -> RejectedBatchRow:
    """A rejected row out of the ledger, which keeps no more than the beginning of one that is too long."""
    raw = reject["raw"]
    try:
        json.loads(raw, parse_int=str)
    except (ValueError, RecursionError):
        raw = json.dumps(raw)
    return RejectedBatchRow(reject["table"], reject["row_number"] - 1, raw, reject["errors"])


def _once(request: Request) -> Once | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    found = _KEY.fullmatch(keys[0].strip())
    if len(keys) > 1 or not found:
        raise IdempotencyKeyInvalid
    return Once(found[1] or found[2], _ROUTE, reply_to)


def _require_json(request: Request) -> None:
    """Refuse what is told to be something else than JSON in UTF-8; what is told to be nothing is taken for it."""
    media_type, *parameters = (part.strip() for part in request.headers.get("content-type", "").lower().split(";"))
    may_be_json = not media_type or is_json(media_type)
    charsets = {parameter.partition("=")[2].strip('" ') for parameter in parameters if parameter.startswith("charset")}
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if not may_be_json or charsets - {"utf-8", "utf8", "us-ascii"} or encoded:
        hint = "Send JSON in UTF-8, uncompressed, with Content-Type: application/json."
        raise RequestRefused(415, "request.media_type", "The body is declared as something other than JSON", hint)


async def _read(request: Request) -> bytes:
    body, size = bytearray(), 0
    async for block in request.stream():
        size += len(block)
        if size <= MAX_BODY_BYTES:
            body += block
        elif size > _DRAINED_BYTES:
            break
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(limit=MAX_BODY_BYTES)
    return bytes(body)


def _caller(request: Request) -> str:
    return f"api:{request.client.host}" if request.client else "api"
