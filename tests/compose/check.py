"""Starts the service with `docker compose` as its documentation says, and looks at it from outside.

`make test-compose` runs it. Needs Docker with its compose plugin. Works on a copy of the files that git knows, under a
project name of its own, and removes all that it made. Says what it found true; exits with 1 at the first that is not.
"""

import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
VARIABLES = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "SQLALCHEMY_DATABASE_URL")
LARGE_ROWS = 2_000_000

KILL_THE_SERVICE = """
import os, pathlib
for found in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    words = found.read_bytes().split(b"\\0")
    if b"serve" in words and b"python" in words[0]:
        os.kill(int(found.parent.name), 9)
"""


class Composed:
    """A copy of the project, and the service that is composed from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = f"rowferry-check-{secrets.token_hex(3)}"
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def write_env(self, **changes: str) -> None:
        """Write .env as a user fills .env.example in."""
        values = {
            "POSTGRES_USER": "rowferry",
            "POSTGRES_PASSWORD": self.password,
            "POSTGRES_DB": "rowferry",
            "SQLALCHEMY_DATABASE_URL": f"postgresql://rowferry:{self.password}@db:5432/rowferry",
            "APP_PORT": str(self.port),
        }
        lines = [f"{name}={value}\n" for name, value in (values | changes).items()]
        (self.folder / ".env").write_text("".join(lines))

    def run(self, *words: str, fails: bool = False) -> str:
        """Run `docker compose`; what it says. It must fail exactly if that is expected."""
        command = ["docker", "compose", "--project-name", self.project, *words]
        hidden = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "APP_PORT")}
        ran = subprocess.run(command, cwd=self.folder, env=hidden, capture_output=True, text=True, check=False)
        said = ran.stdout + ran.stderr
        assert (ran.returncode != 0) == fails, f"{' '.join(command)}: exit code {ran.returncode}\n{said}"
        return said

    def container(self, service: str, what: str) -> str:
        """What the engine knows of a container of a service, as a template asks for it."""
        found = self.run("ps", "--all", "--quiet", service).split()[0]
        command = ["docker", "inspect", "--format", what, found]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self.client.get("/readyz").status_code == 200
        return False

    def healthy(self) -> bool:
        return self.container("app", "{{.State.Health.Status}}") == "healthy"

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.client.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def loads(self) -> list[str]:
        return [load["load_id"] for load in self.ask("GET", "/loads")["items"]]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} seconds: {what}"
        time.sleep(0.5)


def a_missing_variable_stops_it_by_name(composed: Composed) -> None:
    said = composed.run("up", "--detach", fails=True)
    assert any(name in said for name in VARIABLES), said
    for name in VARIABLES:
        composed.write_env(**{name: ""})
        assert name in composed.run("up", "--detach", fails=True), name


def it_gets_healthy_from_a_filled_env(composed: Composed) -> None:
    composed.write_env()
    composed.run("up", "--build", "--detach")
    until(composed.healthy, "the app is healthy")
    assert composed.ready()
    assert "swagger" in composed.ask("GET", "/docs").lower()


def the_image_is_a_sparse_one(composed: Composed) -> None:
    assert composed.run("exec", "--no-TTY", "app", "id", "-u").split()[-1] != "0"
    composed.run("exec", "--no-TTY", "app", "touch", "/opt/rowferry/x", fails=True)
    for tool in ("gcc", "make", "uv"):
        composed.run("exec", "--no-TTY", "app", "sh", "-c", f"command -v {tool}", fails=True)
    size = int(
        subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Size}}", composed.container("app", "{{.Image}}")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    say(f"     the image has {size / 1e6:.0f} MB")
    assert composed.container("app", '{{(index (index .NetworkSettings.Ports "8000/tcp") 0).HostIp}}') == "127.0.0.1"


def it_is_known_by_its_name_in_the_composition(composed: Composed) -> None:
    ask = "import urllib.request as r; print(r.urlopen('http://app:8000/readyz', timeout=11).status)"
    assert composed.run("exec", "--no-TTY", "app", "python", "-c", ask).split()[-1] == "200"
    composed.ask("GET", "/readyz", 421, headers={"Host": "elsewhere.example"})


def files_are_loaded_and_rows_rejected(composed: Composed) -> None:
    receipt = composed.ask("POST", "/full-bulk-insert")
    assert receipt["rows_read"] == receipt["inserted"] + receipt["rejected"]
    assert receipt["inserted"] > 2_000
    again = composed.ask("POST", "/full-bulk-insert")
    assert (again["inserted"], again["unchanged"]) == (0, receipt["inserted"])
    rejects = composed.ask("GET", f"/loads/{receipt['load_id']}/rejects")["items"]
    assert len(rejects) == receipt["rejected"]


def batches_are_posted(composed: Composed) -> None:
    rows = {"departments": [{"id": 9_001, "department": "Made by a batch"}]}
    assert composed.ask("POST", "/batch-transactions", 201, json=rows)["inserted"] == {"departments": 1}


def a_table_is_backed_up_damaged_and_restored(composed: Composed) -> None:
    manifest = composed.ask("POST", "/backup-table/departments", 201)
    kept = composed.folder / "backups" / "departments" / f"{manifest['backup_id']}.avro"
    assert kept.stat().st_size == manifest["bytes"]
    composed.ask("POST", f"/backups/{manifest['backup_id']}/verify")
    rows = {"departments": [{"id": 9_001, "department": "Damaged"}]}
    composed.ask("POST", "/batch-transactions", 201, json=rows, params={"on_conflict": "update"})
    composed.ask("POST", "/restore-table/departments", params={"backup_id": manifest["backup_id"]})
    assert composed.ask("POST", "/batch-transactions", 201, json=rows, params={"on_conflict": "skip"})["unchanged"] == {
        "departments": 1
    }
    found = composed.run(
        "exec", "--no-TTY", "db", "psql", "-U", "rowferry", "-Atc", "SELECT department FROM departments WHERE id = 9001"
    )
    assert found.strip() == "Made by a batch"


def logs_are_lines_of_json_here_and_there(composed: Composed) -> None:
    composed.ask("GET", "/tables", headers={"X-Request-ID": "from-outside"})
    said = composed.run("logs", "--no-color", "--no-log-prefix", "app")
    told = [json.loads(line[line.index("{") :]) for line in said.splitlines() if "{" in line]
    assert any(line.get("request_id") == "from-outside" for line in told)
    for name in ("serve", "full_bulk_insert", "batch_transactions"):
        lines = (composed.folder / "logs" / f"{name}.jsonl").read_text().splitlines()
        assert all(json.loads(line)["event"] for line in lines)
    assert "rowferry_full_bulk_insert_rows_total" in composed.ask("GET", "/metrics")
    assert "ready to accept connections" in composed.run("logs", "db")


def nothing_is_lost_between_down_and_up(composed: Composed) -> None:
    before = composed.loads()
    composed.run("down")
    composed.run("up", "--detach")
    until(composed.ready, "ready after down and up")
    assert composed.loads() == before


def a_stop_is_clean(composed: Composed) -> None:
    composed.run("stop", "app")
    assert composed.container("app", "{{.State.ExitCode}}") == "0"
    composed.run("start", "app")
    until(composed.ready, "ready after stop and start")


def a_database_that_is_away_for_a_while_is_told_and_found_again(composed: Composed) -> None:
    started = composed.container("app", "{{.State.StartedAt}}")
    composed.run("stop", "db")
    answer = composed.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
    answer = composed.client.post("/batch-transactions", json={"jobs": [{"id": 1, "job": "x"}]})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    time.sleep(60)
    assert composed.client.get("/livez").status_code == 200
    composed.run("start", "db")
    until(composed.ready, "ready after the database came back")
    until(composed.healthy, "healthy after the database came back")
    assert composed.container("app", "{{.State.StartedAt}}") == started, "it recovered by itself"
    assert "cannot be reached" in composed.run("logs", "app")


def a_wrong_password_is_told_as_such(composed: Composed) -> None:
    composed.write_env(SQLALCHEMY_DATABASE_URL="postgresql://rowferry:wrong-one@db:5432/rowferry")
    composed.run("up", "--detach")
    until(lambda: "password authentication failed" in composed.run("logs", "app"), "the log tells of the password")
    assert composed.client.get("/readyz").json()["code"] == "database.unavailable"
    assert "wrong-one" not in composed.run("logs", "app")
    composed.write_env()
    composed.run("up", "--detach")
    until(composed.ready, "ready with the right password")


def a_second_replica_and_its_workers_are_the_same_service(composed: Composed) -> None:
    port = free_port()
    serve = ("serve", "--host", "0.0.0.0", "--open", "--workers", "2")
    name = f"{composed.project}-second"
    composed.run("run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:8000", "app", *serve)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as second:

            def is_ready() -> bool:
                with suppress(httpx.TransportError):
                    return second.get("/readyz").status_code == 200
                return False

            until(is_ready, "the second replica is ready")
            load = composed.ask("POST", "/full-bulk-insert")["load_id"]
            assert second.get(f"/loads/{load}").json()["status"] == "done"
            assert "event: receipt" in second.get(f"/loads/{load}/events").text
            load = second.post("/full-bulk-insert").json()["load_id"]
            assert composed.ask("GET", f"/loads/{load}")["status"] == "done"
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)


def a_process_that_is_killed_leaves_nothing_behind(composed: Composed) -> None:
    large = composed.folder / "large.csv"
    with large.open("w") as file:
        file.writelines(f"{number},Department {number}\n" for number in range(10_000, 10_000 + LARGE_ROWS))
    with large.open("rb") as content:
        headers = {"Prefer": "respond-async"}
        accepted = composed.ask("POST", "/full-bulk-insert/departments", 202, content=content, headers=headers)
    composed.run("exec", "--no-TTY", "app", "python", "-c", KILL_THE_SERVICE)
    until(composed.ready, "ready after a kill")
    load = accepted["location"]
    until(lambda: composed.ask("GET", load)["status"] != "running", "the load is known to be interrupted", 60)
    assert composed.ask("GET", load)["status"] == "interrupted"
    count = ("psql", "-U", "rowferry", "-Atc", "SELECT count(*) FROM departments WHERE id >= 10000")
    assert composed.run("exec", "--no-TTY", "db", *count).strip() == "0"

    def uploads() -> str:
        return composed.run("exec", "--no-TTY", "app", "sh", "-c", "ls /tmp").strip()

    until(lambda: "rowferry-upload" not in uploads(), "the file of the upload is gone", 60)


def the_commands_of_the_pages_run(composed: Composed) -> None:
    for page in ("deploy.md", "upgrade.md"):
        for line in (composed.folder / "docs" / "howto" / page).read_text().splitlines():
            if line.startswith("docker compose "):
                composed.run(*line.split()[2:])
    until(composed.ready, "ready after the commands of the pages")


STEPS = (
    a_missing_variable_stops_it_by_name,
    it_gets_healthy_from_a_filled_env,
    the_image_is_a_sparse_one,
    it_is_known_by_its_name_in_the_composition,
    files_are_loaded_and_rows_rejected,
    batches_are_posted,
    a_table_is_backed_up_damaged_and_restored,
    logs_are_lines_of_json_here_and_there,
    nothing_is_lost_between_down_and_up,
    a_stop_is_clean,
    a_second_replica_and_its_workers_are_the_same_service,
    a_process_that_is_killed_leaves_nothing_behind,
    the_commands_of_the_pages_run,
    a_wrong_password_is_told_as_such,
    a_database_that_is_away_for_a_while_is_told_and_found_again,
)


def copy_of_the_project(folder: Path) -> None:
    """What a fresh clone holds, with what is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in filter(None, listed.decode().split("\0")):
            if (ROOT / name).exists():
                tar.add(ROOT / name, name)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        tar.extractall(folder, filter="data")


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="rowferry-compose-"))
    composed = Composed(folder)
    try:
        copy_of_the_project(folder)
        for step in STEPS:
            started = time.monotonic()
            step(composed)
            say(f"ok   {step.__name__.replace('_', ' ')} ({time.monotonic() - started:.0f} s)")
    except AssertionError as error:
        say(f"FAIL {step.__name__.replace('_', ' ')}: {error}")
        with suppress(AssertionError):
            say(composed.run("logs", "--no-color", "--tail", "40"))
        return 1
    finally:
        composed.write_env()
        composed.run("down", "--volumes", "--remove-orphans")
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
