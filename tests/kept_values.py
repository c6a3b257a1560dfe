"""Values of every kind on all ways into a database and out of it."""

from batching import Batches
from loading import Tables
from restoring import Restores, counts as changes

ROW = (
    "1,{note},essay,1,2,3,0.30000000000000004,true,9999999999.99,2021-02-03,04:05:06.5,2021-02-03T04:05:06.123456Z\n"
    "2,NULL,,,,,,,,,,\n"
)
"""The second row has a text that is no value missing, and no other values."""


def values_are_kept(tables: Tables) -> None:
    """Load, change by a batch, back up, damage and restore a table with a column of each kind."""
    assert tables.put("kinds.csv", ROW.format(note="O'Hara\\")).total("inserted") == 2
    (first, second), restores = tables.rows("kinds"), Restores(tables)
    assert [str(value) for value in first] == [
        "1",
        "O'Hara\\",
        "essay",
        *"123",
        "0.30000000000000004",
        "True",
        "9999999999.99",
        "2021-02-03",
        "04:05:06.500000",
        "2021-02-03 04:05:06.123456+00:00",
    ]
    assert second == (2, "NULL", *[None] * 10)
    assert tables.put("kinds.csv", ROW.format(note="O'Hara\\")).total("unchanged") == 2
    kept = restores.back_up("kinds")
    without = dict.fromkeys(("essay", "small", "middle", "large"))
    batch = {"kinds": [{"id": 1, "note": "NULL", **without, "ratio": 0.1}, {"id": 2, "note": "NULL"}]}
    assert Batches(tables).put(batch, on_conflict="update").updated == {"kinds": 1}
    assert tables.rows("kinds")[0][:7] == (1, "NULL", None, None, None, None, 0.1)
    assert changes(restores.restore(kept)) == (0, 1, 0, 1, 0)
    assert tables.rows("kinds") == [first, second]
