"""`backup_table` and `verify_backup` by REST, and the backups there are."""

import base64
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.types import Message, Receive, Scope, Send

from rowferry.api.answers import Limit, Page
from rowferry.api.backup_answers import BACKUP_ID, BackupAnswer, BackupsAnswer, WrittenAnswer
from rowferry.api.openapi import problems
from rowferry.api.problems import refusal
from rowferry.api.state import Started
from rowferry.avro.codecs import DEFAULT_CODEC
from rowferry.avro.reader import AvroReader
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.errors import BackupUnknown
from rowferry.events import BackupWritten, Event, Observe
from rowferry.observers.service import service_observer
from rowferry.operations.backup_table import BackupOptions, CodecName, backup_table
from rowferry.operations.list_backups import list_backups, show_backup
from rowferry.operations.lost_backups import open_backups
from rowferry.operations.prune_backups import remove_backup
from rowferry.operations.verify_backup import open_sealed, verify_backup

router = APIRouter(tags=["backups"])

_AVRO = "application/vnd.apache.avro"
_FILE = {
    "description": "An Avro object container file; ranges of it may be requested",
    "content": {_AVRO: {"schema": {"type": "string", "format": "binary"}}},
    "headers": {"Repr-Digest": {"schema": {"type": "string"}, "description": "Its SHA-256 (RFC 9530)"}},
}
_LOCATION = {"headers": {"Location": {"schema": {"type": "string"}, "description": "/backups/{backup_id}"}}}


class _OpenFile(FileResponse):
    """The very file that was looked at, also if it is removed while it is sent; closed at the end."""

    def __init__(self, reader: AvroReader, **how: Any) -> None:
        super().__init__(f"/dev/fd/{reader.fileno()}", **how)
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def send_file(message: Message) -> None:
            nonlocal refused
            refused = refused or message.get("status", 200) >= 400
            if not refused:
                await send(message)

        with self._reader:
            await super().__call__(scope, receive, send_file)
        if refused:
            await self._refusal()(scope, receive, send)

    def _refusal(self) -> Response:
        message = f"The file has {self._reader.size} bytes, which do not include the requested range"
        answer = refusal(
            416, "request.range", message, "Request a range such as Range: bytes=0-1023, or the whole file."
        )
        answer.headers["Content-Range"] = f"bytes */{self._reader.size}"
        return answer


class BackupQuery(BaseModel):
    """How backups are written."""

    codec: CodecName = Field(default=DEFAULT_CODEC, description="Every Avro reader supports deflate and null")


Options = Annotated[BackupQuery, Query()]


@router.post(
    "/backup-table",
    operation_id="backup_tables",
    status_code=201,
    response_model=BackupsAnswer,
    responses=problems(409, 422, 500, 503, 507),
)
def backup_tables(request: Request, service: Started, query: Options) -> dict[str, Any]:
    """Back all tables up from one snapshot, without blocking writers."""
    manifests = _back_up(request, service, service.catalog.names, query)
    return {"backups": manifests}


@router.post(
    "/backup-table/{table}",
    operation_id="backup_table",
    status_code=201,
    response_model=WrittenAnswer,
    responses={201: _LOCATION, **problems(404, 409, 422, 500, 503, 507)},
)
def backup_one_table(
    request: Request, response: Response, table: str, service: Started, query: Options
) -> dict[str, Any]:
    """Back one table up to an Avro file, without blocking writers."""
    manifest = _back_up(request, service, [table], query)[0]
    response.headers["Location"] = f"/backups/{manifest['backup_id']}"
    return manifest


@router.get("/backups", operation_id="list_backups", responses=problems(404, 422, 500, 503))
def find_backups(
    request: Request,
    service: Started,
    limit: Limit = 100,
    before: Annotated[str | None, Query(description="A backup; the page starts after it", examples=[BACKUP_ID])] = None,
    table: Annotated[str | None, Query(description="Only those of this table")] = None,
) -> Page[BackupAnswer]:
    """List the backups, newest first, each with the result of its last verification."""
    if table is not None:
        service.catalog.table(table)
    found, _ = list_backups(service.backend, _store(service), table)
    if before is not None:
        place = next((at for at, backup in enumerate(found, 1) if backup["backup_id"] == before), None)
        if place is None:
            raise BackupUnknown(backup_id=before)
        found = found[place:]
    return Page[BackupAnswer].of(request, found, limit, before="backup_id")


@router.get(
    "/backups/{backup_id}",
    operation_id="find_backup",
    response_model=BackupAnswer,
    responses=problems(404, 409, 422, 500, 503),
)
def find_backup(backup_id: str, service: Started) -> dict[str, Any]:
    """Show one backup: its manifest, and the result of its last verification."""
    return show_backup(service.backend, _store(service), backup_id)


@router.get(
    "/backups/{backup_id}/file",
    operation_id="download_backup",
    response_class=FileResponse,
    responses={200: _FILE, **problems(404, 409, 416, 422, 503)},
)
def download_backup(backup_id: str, service: Started) -> FileResponse:
    """Download the file of a backup, streamed."""
    store = _store(service)
    manifest = store.find(backup_id)
    with ExitStack() as kept:
        reader = kept.enter_context(open_sealed(store, manifest))
        reader.check_size()
        kept.pop_all()
    digest = base64.b64encode(bytes.fromhex(manifest.sha256)).decode()
    headers = {"Repr-Digest": f"sha-256=:{digest}:", "ETag": f'"{manifest.sha256}"'}
    return _OpenFile(reader, media_type=_AVRO, filename=store.path(manifest).name, headers=headers)


@router.post(
    "/backups/{backup_id}/verify",
    operation_id="verify_backup",
    response_model=BackupAnswer,
    responses=problems(404, 409, 422, 500, 503),
)
def verify(request: Request, backup_id: str, service: Started) -> dict[str, Any]:
    """Prove that a backup is as it was written, and that its values can be restored.

    If it is damaged, the answer is 409 and says what is wrong, by file, byte and block; if a restore would reject one
    of its values by the current rules, by row and key. The outcome is kept.
    """
    log = service_observer(service.settings.log_dir, "verify_backup")
    found = verify_backup(service.backend, _store(service), service.catalog, backup_id, _caller(request), log)
    return {**found.manifest.as_dict(), "verified_at": found.verified_at, "damage": None}


@router.delete(
    "/backups/{backup_id}",
    operation_id="remove_backup",
    status_code=204,
    responses=problems(404, 409, 422, 500, 503),
)
def remove(
    backup_id: str,
    service: Started,
    even_last: Annotated[bool, Query(description="Even if it is the last good backup of its table")] = False,
) -> None:
    """Remove a backup; the last good one of its table only on request."""
    remove_backup(_store(service), backup_id, _log(service), even_last=even_last)


def _back_up(request: Request, service: Service, tables: list[str], query: BackupQuery) -> list[dict[str, Any]]:
    chosen = [service.catalog.table(name) for name in tables]
    options = BackupOptions(_caller(request), query.codec)
    log, notes = _log(service), dict[str, tuple[str, ...]]()

    def observe(event: Event) -> None:
        log(event)
        if isinstance(event, BackupWritten):
            notes[event.backup_id] = event.notes

    manifests = backup_table(service.backend, _store(service), chosen, options, observe)
    return [manifest.as_dict() | {"notes": notes[manifest.backup_id]} for manifest in manifests]


def _store(service: Service) -> BackupStore:
    return open_backups(service.backend, service.settings.backup_dir)


def _log(service: Service) -> Observe:
    return service_observer(service.settings.log_dir, "backup_table")


def _caller(request: Request) -> str:
    return f"api:{request.client.host}" if request.client else "api"
