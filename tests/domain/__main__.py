"""Prints, per service, what the domain names, what the code has of it and what the tests name. ``--json`` for scripts; ``--service``
limits it; ``--require`` exits with 1 where something of the named services is missing (queries excepted)."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from tests.domain.built import implemented, shown
from tests.domain.named import Named, Sort, named
from workers.main import MindLinks

Counts = Mapping[str, Mapping[Sort, tuple[int, int, int]]]


def counted(found: Sequence[Named]) -> Counts:
    """Service -> sort -> named, implemented, tested."""
    table: dict[str, dict[Sort, tuple[int, int, int]]] = {}
    for each in found:
        count, built, seen = table.setdefault(each.service, {}).get(each.sort, (0, 0, 0))
        has = implemented(each, MindLinks.services)
        table[each.service][each.sort] = (count + 1, built + has, seen + (has and shown(each, MindLinks.services)))
    return table


def missing(found: Sequence[Named], services: Sequence[str]) -> list[str]:
    gaps = []
    for each in found:
        if each.service in services and each.sort is not Sort.QUERY:
            if not implemented(each, MindLinks.services):
                gaps.append(f"{each.service} {each.sort}: {each.name} is not implemented")
            elif not shown(each, MindLinks.services):
                gaps.append(f"{each.service} {each.sort}: {each.name} is not tested")
    return gaps


def _line(service: str, sorts: Mapping[Sort, tuple[int, int, int]]) -> str:
    cells = ["/".join(map(str, sorts[sort])) if sort in sorts else "-" for sort in Sort]
    return f"{service:<14}" + "".join(f"{cell:>14}" for cell in cells)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.domain", description=__doc__)
    parser.add_argument("--service", action="append", default=[])
    parser.add_argument("--require", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = [each for each in named() if not asked.service or each.service in asked.service]
    table = counted(found)
    gaps = missing(found, list(table)) if asked.require or asked.service else []
    if asked.json:
        sys.stdout.write(json.dumps({"counts": table, "missing": gaps}, indent=2) + "\n")
    else:
        sys.stdout.write("named/implemented/tested\n" + f"{'service':<14}" + "".join(f"{sort:>14}" for sort in Sort) + "\n")
        sys.stdout.writelines(_line(service, sorts) + "\n" for service, sorts in table.items())
        sys.stdout.writelines(f"{gap}\n" for gap in gaps)
    return int(asked.require and bool(gaps))


if __name__ == "__main__":
    sys.exit(main())
