"""``python -m workers.ops.dashboards``: writes ``deploy/dashboards/*.json``; ``--check`` fails when one is stale."""

import argparse
import json
import sys
from pathlib import Path

from workers.ops.dashboards.declared import DASHBOARDS
from workers.ops.dashboards.grafana import rendered

FOLDER = Path("deploy/dashboards")


def files() -> dict[Path, str]:
    return {FOLDER / f"{dashboard.uid}.json": json.dumps(rendered(dashboard), indent=2) + "\n" for dashboard in DASHBOARDS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers.ops.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    check = parser.parse_args().check
    stale = {path: text for path, text in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        if check:
            sys.stderr.write(f"{path} is not what workers/ops/dashboards says; run `make generate` and commit it\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {path}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
