"""Runs one command and writes down its seconds, peak memory in kilobytes, exit code and seconds of processor time.

Linux counts into the peak of a process what its memory was before exec, so whoever starts it must be small: this file
runs by itself (`python -I -S launcher.py LIMIT_SECONDS REPORT COMMAND…`) and imports next to nothing.
"""

import os
import signal
import sys
import time


def main() -> None:
    limit, report, *command = sys.argv[1:]
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, lambda *_: os.kill(process, signal.SIGKILL))
    signal.alarm(int(limit))
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    signal.alarm(0)
    with open(report, "w", encoding="ascii") as file:  # noqa: PTH123  # pathlib is big
        file.write(f"{seconds} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)} {usage.ru_utime + usage.ru_stime}")


main()
