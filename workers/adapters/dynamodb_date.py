"""What DynamoDB takes the time to be: the date of its answer to a request that asks for nothing and needs no rights."""

from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from workers.engine.ports import StoreUnavailable

TIMEOUT = 5.0


async def server_date(endpoint: str | None, region: str) -> int | None:
    """Milliseconds since the epoch, whole seconds; None where the answer has no date. Raises StoreUnavailable."""
    url = endpoint or f"https://dynamodb.{region}.amazonaws.com"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as http, http.get(url) as answer:
            said = answer.headers.get("Date")
    except (TimeoutError, aiohttp.ClientError) as error:
        raise StoreUnavailable(f"no answer from {url}: {error!r}") from error
    return int(parsedate_to_datetime(said).replace(tzinfo=UTC).timestamp()) * 1000 if said else None
