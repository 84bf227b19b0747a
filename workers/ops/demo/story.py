"""The story of domain.md section 16, as far as the services carry it."""

from workers.ops.demo import agreement, money, people
from workers.ops.demo.stage import Scene

SCENES: tuple[Scene, ...] = (*people.SCENES, *agreement.SCENES, *money.SCENES, agreement.END)
