"""The story of domain.md section 16, whole and in its order. Its steps 1 to 11 are a scene each."""

from workers.ops.demo import agreement, company, contractor, identity, money, payouts
from workers.ops.demo.stage import Scene

PEOPLE: tuple[Scene, ...] = (*company.SCENES, *contractor.SCENES, *identity.SCENES, *payouts.SCENES)
SCENES: tuple[Scene, ...] = (*PEOPLE, *agreement.SCENES, *money.SCENES, *payouts.PAID, agreement.END, money.END)
