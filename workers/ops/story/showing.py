"""A story as a person reads it: a tree that fits 140 columns."""

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from contracts.timestamps import from_milliseconds
from workers.ops.story.branches import Node, What
from workers.ops.story.gathering import As, Gathered
from workers.ops.terminal import console

WIDTH = 140
STYLES = {
    What.WEBHOOK: "magenta",
    What.COMMAND: "cyan",
    What.EVENT: "green",
    What.EFFECT: "yellow",
    What.TIMER: "blue",
    What.NOTIFICATION: "magenta",
}


def show(gathered: Gathered, roots: list[Node], *, fields: bool) -> None:
    paper = console if console.is_terminal else Console(stderr=True, width=WIDTH)
    width = min(WIDTH, paper.width)
    for root in roots:
        tree = Tree(_line(root, None, fields), guide_style="dim")
        _grow(tree, root, fields)
        paper.print(tree, width=width)
    paper.print(said(gathered), width=width, highlight=False, style="dim")


def said(gathered: Gathered) -> str:
    left = f"; {gathered.left_out:,} older stories of this key are left out (--limit)" if gathered.left_out else ""
    what = {As.NOTHING: "nothing", As.MESSAGE: "a message's id", As.EFFECT: "an effect's id", As.TIMER: "a timer's id"}
    name = what.get(gathered.found_as, f"a {gathered.found_as}")
    return f"{gathered.asked} is {name}; read {gathered.records:,} records of {gathered.partitions} partitions{left}"


def _grow(tree: Tree, node: Node, fields: bool) -> None:
    for child in node.children:
        _grow(tree.add(_line(child, node, fields)), child, fields)


def _line(node: Node, parent: Node | None, fields: bool) -> Text:
    line = Text()
    line.append(f"{node.what} ", style="bold red" if node.trouble else STYLES.get(node.what, "bold red"))
    line.append(node.name, style="bold underline" if node.asked else "bold")
    if node.at:
        line.append(f"  {_time(node, parent)}")
    if node.place:
        line.append(f"  {node.place}", style="dim")
    # Under its effect or timer it need not say whence it comes.
    if node.via and (parent is None or parent.what not in (What.EFFECT, What.TIMER)):
        line.append(f"  {node.via}", style="dim")
    if node.outcome:
        line.append(f"  {node.outcome}", style="red" if node.trouble or node.outcome.startswith("refused") else "")
    if node.key and (parent is None or node.key != parent.key):
        line.append(f"  key {node.key}", style="dim")
    for note in node.notes:
        line.append(f"  [{note}]", style="yellow")
    if fields and node.fields:
        line.append(f"  {{{', '.join(node.fields)}}}", style="dim")
    return line


def _time(node: Node, parent: Node | None) -> str:
    """The day only where it is another than the parent's."""
    text = from_milliseconds(node.at)
    same = parent is not None and parent.at and from_milliseconds(parent.at)[:10] == text[:10]
    return text[11:23] if same else f"{text[:10]} {text[11:23]}"
