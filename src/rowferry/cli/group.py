"""A group of commands, as its help lists them."""

import inspect

import click


class Group(click.Group):
    """Lists commands in the order in which they are declared, each with the whole first paragraph of its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as the library calls it
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, inspect.cleandoc(command.help or "").split("\n\n")[0])
                    for name, command in found.items()
                    if command
                ]
            )
