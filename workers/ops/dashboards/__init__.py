"""Grafana dashboards as data; ``python -m workers.ops.dashboards`` writes them to ``deploy/dashboards``."""
