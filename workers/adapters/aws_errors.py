"""What errors of the AWS clients say about a call that must not be repeated: whether the request can have left this machine."""

from socket import gaierror
from typing import Final

from aiohttp import ClientConnectorError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
)

_NEVER_REACHED: Final = (ConnectTimeoutError, ProxyConnectionError, SSLError, NoCredentialsError)


def never_left(error: Exception) -> bool:
    """True where nothing can have been taken. An error nobody foresaw may have come after the request was written."""
    # aiobotocore gives this name also to a connection that broke after the request was written.
    refused = isinstance(error, EndpointConnectionError) and isinstance(error.kwargs.get("error"), ClientConnectorError | gaierror)
    return refused or isinstance(error, _NEVER_REACHED)


def code_and_status(error: ClientError) -> tuple[str, int]:
    """The service's code, and the HTTP status; "" and 0 where the answer had none."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code, int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
