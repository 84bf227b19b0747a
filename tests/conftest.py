"""What holds for every test: a busy machine fails none, and a fault's traceback is told without the values of all its frames."""

import structlog
from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
