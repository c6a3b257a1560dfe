#!/usr/bin/env bash
# Alembic 1.20.1, which finds plugins by the entry points `alembic.plugins` (new in 1.18).
# Guess: a plugin may import at its top what its comparators are typed with, and can be imported like any other module.
# Seen: plugins are loaded while Alembic is still being imported.
#   from alembic.autogenerate.api import AutogenContext, at the top: nobody can `import alembic` any more (ImportError)
#   from alembic.util import DispatchPriority, at the top: `import alembic` works, but whoever imports the plugin first,
#     as its own tests do, gets AttributeError: Alembic asks the half-imported module for its `setup`
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check alembic==1.20.1
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
import sys
import sysconfig
from pathlib import Path

packages = Path(sysconfig.get_path("purelib"))
described = packages / "quiet-1.dist-info"
described.mkdir()
(described / "METADATA").write_text("Metadata-Version: 2.1\nName: quiet\nVersion: 1\n")
(described / "entry_points.txt").write_text("[alembic.plugins]\nquiet = quiet\n")


def outcome(top, statement):
    (packages / "quiet.py").write_text(f"{top}\n\n\ndef setup(plugin):\n    pass\n")
    ran = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True)
    found = ran.stderr.strip().splitlines()[-1].partition(":")[0] if ran.returncode else "imported"
    print(f"{top}; {statement}: {found}")
    return found


typed, light = "from alembic.autogenerate.api import AutogenContext", "from alembic.util import DispatchPriority"
found = [outcome(top, statement) for top in (typed, light) for statement in ("import alembic", "import quiet")]
sys.exit(found != ["ImportError", "AttributeError", "imported", "AttributeError"])
PYTHON
