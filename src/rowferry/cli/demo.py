"""`rowferry demo`."""

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from rowferry.cli.demo_steps.batches import post_batch, repeat_batch
from rowferry.cli.demo_steps.loading import explain_rejects, load_again, load_history
from rowferry.cli.demo_steps.reports import show_reports
from rowferry.cli.demo_steps.restoring import back_up, damage_table, rehearse_restore, restore
from rowferry.cli.demo_steps.stage import AT_DATABASE, DATABASE, Stage, Step, empty, forget_backups
from rowferry.cli.options import json_option, service_with
from rowferry.cli.output import say, say_json, say_only_json
from rowferry.samples import write_samples
from rowferry.settings import DEFAULT_MODELS, read_settings

STEPS: tuple[Step, ...] = (
    load_history,
    explain_rejects,
    load_again,
    post_batch,
    repeat_batch,
    back_up,
    damage_table,
    rehearse_restore,
    restore,
    show_reports,
)
"""What the demo shows, in this order; a step may build on those before it."""


@click.command()
@json_option
def demo(as_json: bool) -> None:
    """Show the main features from end to end, on sample files and an embedded database of its own (rowferry-demo.db).

    Writes sample files with every kind of faulty row; loads them; explains each rejected row; loads them again, which
    changes nothing; posts a batch with good and faulty rows and explains the answer; backs all tables up, damages one,
    shows what a restore would do, restores it and proves it equal; reports who was hired. If run again, it first
    empties its database; a server on that database continues with the new contents.
    """
    if as_json:
        say_only_json()
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder))
        # Its sample files are for the tables that Rowferry brings, whichever are served otherwise.
        service = service_with(replace(read_settings(f"sqlite:///{DATABASE}"), models=DEFAULT_MODELS))
        empty(service.backend)
        service.start()
        stage = Stage(service, Path(folder))
        for number, step in enumerate(STEPS, 1):
            say(f"\n{number}. {(step.__doc__ or '').splitlines()[0]}\n", "bold")
            step(stage)
        forget_backups(service.backend)
    if as_json:
        say_json(stage.shown)
    else:
        _say_what_next(stage)


def _say_what_next(stage: Stage) -> None:
    by_http = f"rowferry serve {AT_DATABASE}", "the same over HTTP; try it at http://localhost:8000/docs"
    say("\nTry next:", "bold")
    for command, does in (*stage.next_commands, by_http):
        say(f"  {command}\n      {does}")
