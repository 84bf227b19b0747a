"""Stand-ins for services that are not built yet: the few decisions the story of the demo needs, on the real engine and the real tables.

Each is deleted when the service itself arrives; their kinds belong to the catalogue already.
"""

from workers.engine.service import Service
from workers.ops.standins import auth, client, contractor, user

SERVICES: tuple[Service, ...] = (auth.SERVICE, user.SERVICE, client.SERVICE, contractor.SERVICE)
