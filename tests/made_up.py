"""How many inputs a property makes up: the suite has its short form, `make torture-properties` the long one."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("ROWFERRY_TORTURE_TIMES", "1"))


def made_up(examples: int) -> settings:
    """So many inputs, each of which finds the tables as the one before has left them."""
    return settings(
        max_examples=TIMES * examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
