"""The analytics service. Visits, tracked events and the erasure of a visitor follow with their issue."""

from workers.engine.service import Service
from workers.services.analytics.projections import PROJECTIONS

SERVICE = Service(name="analytics", projections=PROJECTIONS)
