"""Who may open and seal what, as deployment reads it: ``deploy/generated/key-rights.json``, made from the declarations of effects.

``mindlinks keys rights > deploy/generated/key-rights.json`` writes it anew.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.key_rights import destroying_statement, maintenance_statements, opening_statements
from workers.adapters.opening import INGRESS, OPERATIONS, QUARANTINE, SIGN_IN, KeyRights
from workers.engine.runtime import RoleName, roles_of
from workers.engine.service import Service

KEY_DESTROYERS: Final = ("auth-effects", "lead-effects")
"""Roles whose effects destroy keys (auth.destroy-key, lead.destroy-key)."""


def rights_document(services: Iterable[Service]) -> str:
    """``${...}`` is filled in by deployment."""
    rights = {"ingress": INGRESS | SIGN_IN, "mindlinks-failures": OPERATIONS}
    for service in services:
        rights |= {f"{service.name}-{role}": _of_role(service, role) for role in roles_of(service)}
    statements = {name: list(opening_statements(given.opens, given.seals)) for name, given in rights.items()}
    for name in KEY_DESTROYERS:
        statements[name] = [*statements.get(name, ()), destroying_statement()]
    roles = {name: _role(rights.get(name, KeyRights()), given) for name, given in sorted(statements.items())}
    roles["mindlinks-keys"] = _role(KeyRights(), list(maintenance_statements()))
    return json.dumps({"roles": roles}, indent=2) + "\n"


def _of_role(service: Service, role: RoleName) -> KeyRights:
    return QUARANTINE | KeyRights.of(service.effects) if role is RoleName.EFFECTS else QUARANTINE


def _role(given: KeyRights, statements: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    return {"opens": sorted(given.opens), "seals": sorted(given.seals), "statements": statements}
