"""Private interfaces of libraries: each is listed, pinned and still what is made of it; no other one is used."""

import ast
import inspect
import io
import json
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pytest
import sqlalchemy.types
import sse_starlette.sse
import starlette.applications
import starlette.routing
import uvicorn.supervisors.multiprocess
from private_interfaces import PRIVATE, STANDARD, PrivateInterface

from rowferry.arrow import compute
from rowferry.avro import library

ROOT = Path(__file__).resolve().parents[2]
SOURCE = sorted((ROOT / "src").rglob("*.py"))
LOCKED = {
    package["name"]: package.get("version") for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
}


def dotted(path: Path) -> str:
    return ".".join(part for part in path.relative_to(ROOT / "src").with_suffix("").parts if part != "__init__")


def name_of(interface: PrivateInterface) -> str:
    return interface.name


def parameters(called: Callable[..., object]) -> list[str]:
    return list(inspect.signature(called).parameters)


def arrow_functions_are_called_by_name() -> None:
    assert compute.add(pa.scalar(1), pa.scalar(2)).as_py() == 3
    assert compute.sort_indices(pa.array([2, 1]), sort_keys=[("", "descending")]).to_pylist() == [0, 1]
    assert compute.is_in(pa.array([1, 3]), value_set=pa.array([3])).to_pylist() == [False, True]
    assert compute.cast(pa.array(["1"]), pa.int64()).to_pylist() == [1]
    for options in ("JoinOptions", "MatchSubstringOptions", "ReplaceSubstringOptions"):
        assert getattr(compute, options) is getattr(pyarrow.compute, options)


def avro_is_encoded_and_decoded_by_batch() -> None:
    file, table = io.BytesIO(), pa.table({"id": [1, 2]})
    sink = library.AvroBuffSink(file, table.slice(0, 0), None)
    sink.write(table)
    sink.close()
    source = library.AvroSource([lambda: io.BytesIO(file.getvalue())], False, False)
    assert pa.record_batch(next(source.batch_iter(2, None))).column(0).to_pylist() == [1, 2]


def json_is_read_from_a_place() -> None:
    assert json.JSONDecoder().scan_once('x[1, {"a": 2}]y', 1) == ([1, {"a": 2}], 14)  # type: ignore[attr-defined]
    with pytest.raises(StopIteration) as end:
        json.JSONDecoder().scan_once("  ", 2)  # type: ignore[attr-defined]
    assert end.value.value == 2


def workers_are_processes_that_answer() -> None:
    module = uvicorn.supervisors.multiprocess
    process = module.Process(uvicorn.Config("nowhere:app"), [])
    assert parameters(module.Process) == ["config", "sockets"]
    assert {"process", "parent_conn"} <= vars(process).keys()
    assert {"keep_subprocess_alive", "join_all"} <= vars(module.Multiprocess).keys()
    assert {"processes", "should_exit"} <= vars(module.Multiprocess(uvicorn.Config("nowhere:app"), [])).keys()
    assert all(hasattr(process, name) for name in ("start", "kill", "join", "exitcode", "pid"))
    assert isinstance(uvicorn.config.STARTUP_FAILURE, int)


def a_server_can_be_told_to_stop() -> None:
    server = uvicorn.Server(uvicorn.Config("nowhere:app"))
    assert (server.should_exit, server.started) == (False, False)


def streams_of_events_end_at_a_signal() -> None:
    assert sse_starlette.sse.AppStatus.should_exit is False


def the_stack_of_an_application_is_built_by_a_method() -> None:
    assert parameters(starlette.applications.Starlette.build_middleware_stack) == ["self"]
    assert "self.build_middleware_stack()" in inspect.getsource(starlette.applications.Starlette.__call__)


def paths_are_matched_by_templates() -> None:
    pattern, *_ = starlette.routing.compile_path("/loads/{load_id}")
    assert pattern.match("/loads/7")
    assert not pattern.match("/loads/7/rejects")


def types_have_names() -> None:
    assert sqlalchemy.types.ARRAY(sqlalchemy.types.Integer).__visit_name__ == "ARRAY"


def types_have_variants() -> None:
    varied = sqlalchemy.types.Integer().with_variant(sqlalchemy.types.Text(), "sqlite")
    assert isinstance(varied._variant_mapping["sqlite"], sqlalchemy.types.Text)


PROOFS = {
    "pyarrow._compute": arrow_functions_are_called_by_name,
    "polars_avro._avro_rs": avro_is_encoded_and_decoded_by_batch,
    "json.JSONDecoder.scan_once": json_is_read_from_a_place,
    "uvicorn.supervisors.multiprocess.Process": workers_are_processes_that_answer,
    "uvicorn.Server.should_exit": a_server_can_be_told_to_stop,
    "sse_starlette.sse.AppStatus": streams_of_events_end_at_a_signal,
    "starlette.applications.Starlette.build_middleware_stack": the_stack_of_an_application_is_built_by_a_method,
    "starlette.routing.compile_path": paths_are_matched_by_templates,
    "sqlalchemy.types.TypeEngine.__visit_name__": types_have_names,
    "sqlalchemy.types.TypeEngine._variant_mapping": types_have_variants,
}


@pytest.mark.parametrize("interface", PRIVATE, ids=name_of)
def test_a_private_interface_is_what_is_made_of_it(interface: PrivateInterface) -> None:
    PROOFS[interface.name]()


@pytest.mark.parametrize("interface", PRIVATE, ids=name_of)
def test_a_private_interface_is_used_where_the_list_says(interface: PrivateInterface) -> None:
    path = ROOT / "src" / Path(*interface.used_in.split(".")).with_suffix(".py")
    assert interface.name.rpartition(".")[2] in path.read_text()


@pytest.mark.parametrize("library_name", sorted({interface.library for interface in PRIVATE} - {STANDARD}))
def test_its_library_is_pinned_by_the_lock(library_name: str) -> None:
    assert LOCKED[library_name] == version(library_name)


def test_no_other_private_module_is_imported() -> None:
    for path in SOURCE:
        listed = {interface.name for interface in PRIVATE if interface.used_in == dotted(path)}
        assert private_modules(path) <= listed, path


def private_modules(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in imported if "._" in name or name.startswith("_")} - {"__future__"}
