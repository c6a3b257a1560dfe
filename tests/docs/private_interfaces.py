"""The interfaces that Rowferry uses of its libraries though their documentation promises nothing about them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateInterface:
    """One interface: the distribution that it belongs to, its name, the module that uses it, and what for."""

    library: str
    name: str
    used_in: str
    reason: str
    instead: str


STANDARD = "Python"
"""The library of Python itself, which no lock pins: all versions are tested."""

PRIVATE = (
    PrivateInterface(
        "pyarrow",
        "pyarrow._compute",
        "rowferry.arrow.compute",
        "The public module makes 300 wrappers with docstrings whenever it is imported, which takes 0.02 s of every "
        "command.",
        "`pyarrow.compute`, whose functions have the same names and options",
    ),
    PrivateInterface(
        "polars-avro",
        "polars_avro._avro_rs",
        "rowferry.avro.library",
        "The package imports Polars, which takes a third of a second and is not used. It also hides the nullability "
        "of fields.",
        "`polars_avro.AvroWriter` and `scan_avro`, with every field nullable",
    ),
    PrivateInterface(
        STANDARD,
        "json.JSONDecoder.scan_once",
        "rowferry.sources.json.batch_text",
        "It reads a value from a place in a text. `raw_decode` calls it, but skips no white space and has a cost for "
        "each call, of which a batch makes a thousand.",
        "`json.JSONDecoder.raw_decode`",
    ),
    PrivateInterface(
        "uvicorn",
        "uvicorn.supervisors.multiprocess.Process",
        "rowferry.cli.workers",
        "The supervisor asks one worker after another, and while one is silent, it misses that another has died.",
        "`uvicorn.supervisors.Multiprocess` as it is",
    ),
    PrivateInterface(
        "uvicorn",
        "uvicorn.Server.should_exit",
        "rowferry.cli.serve",
        "A signal that arrives before the server listens to signals must stop it, too; `started` says if it failed.",
        "exit codes of the server's own",
    ),
    PrivateInterface(
        "sse-starlette",
        "sse_starlette.sse.AppStatus",
        "rowferry.api.draining",
        "Streams of events have to end at the first signal, as they keep a service from stopping.",
        "a streaming response of our own",
    ),
    PrivateInterface(
        "starlette",
        "starlette.applications.Starlette.build_middleware_stack",
        "rowferry.api.app",
        "The check of the host and the log of requests stand outside the framework's own handler of errors.",
        "an ASGI application around the framework's, in which `app.state` and `app.openapi` are out of reach",
    ),
    PrivateInterface(
        "starlette",
        "starlette.routing.compile_path",
        "rowferry.api.problems",
        "The answer 405 lists every method of a path; the framework knows those of the first route alone.",
        "a matcher of our own for templates of paths",
    ),
    PrivateInterface(
        "sqlalchemy",
        "sqlalchemy.types.TypeEngine._variant_mapping",
        "rowferry.kinds.declared",
        "A model may give a type for one database by `with_variant`, which is what its columns hold there.",
        "`TypeEngine.dialect_impl`, whose types are those of a driver",
    ),
    PrivateInterface(
        "sqlalchemy",
        "sqlalchemy.types.TypeEngine.__visit_name__",
        "rowferry.backends.sqlite.types",
        "A message names a type that the database does not have, which cannot be compiled into text.",
        "the name of its Python class",
    ),
)
