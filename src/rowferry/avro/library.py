"""Arrow's encoder and decoder of Avro, without the data frame library that their package would import.

That takes a third of a second, and nothing of it is used here. This is a private part of `polars-avro`, whose version
is pinned for that reason.
"""

import importlib.machinery
import importlib.util
import sys
from typing import Any

_PACKAGE, _NAME = "polars_avro", "polars_avro._avro_rs"


def _load() -> Any:
    package = importlib.util.find_spec(_PACKAGE)
    places = package.submodule_search_locations if package else None
    found = importlib.machinery.PathFinder.find_spec(_NAME, places)
    if found is None or found.loader is None:
        raise ImportError(f"{_NAME} is not installed", name=_NAME)
    module = importlib.util.module_from_spec(found)
    sys.modules[_NAME] = module  # so that whoever imports the package gets the same
    found.loader.exec_module(module)
    return module


_library = sys.modules.get(_NAME) or _load()
AvroBuffSink: Any = _library.AvroBuffSink
AvroSource: Any = _library.AvroSource
