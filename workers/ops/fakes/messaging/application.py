"""The fake as an ASGI application: in front of moto, which takes the messages, it remembers them and says what becomes of them.

Serve it where SES's, SNS's and the signing certificates' addresses lead; what it does not know goes on to moto as it came.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from workers.ops.fakes.controls import control_routes
from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity_faults import Faults
from workers.ops.fakes.messaging.controls import CONTROLS, Order
from workers.ops.fakes.messaging.messages import Messages

MAILS: Final = "/v2/email/outbound-emails"
METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_HOP_BY_HOP: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive"})
_MESSAGE_ID: Final = re.compile(rb"<MessageId>([^<]+)</MessageId>")


@dataclass
class MessagingFake:
    """``moto``: its address; None: nobody is behind, and the fake takes everything itself. ``faults`` strike what is sent.
    ``early``: a mail's events arrive before the call that sent it is answered."""

    messages: Messages = field(default_factory=Messages)
    moto: str | None = None
    early: bool = False

    def __post_init__(self) -> None:
        self.faults = Faults()
        self._numbers = count(1)
        self._app = Starlette(
            routes=[
                *control_routes(CONTROLS, self, Order),
                Route("/{name:str}.pem", self._certificate, methods=["GET"]),
                Route(MAILS, self._mail, methods=["POST"]),
                Route("/", self._sns, methods=["GET", "POST"]),
                Route("/{path:path}", self._passed_on, methods=METHODS),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def courier(self) -> Courier:
        return self.messages.sns.courier

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Feedback leaves by itself for the length of the block."""
        async with self.courier.delivering():
            try:
                yield
            finally:
                self.faults.clear()

    # --- answering -------------------------------------------------------------------------------------------------

    async def _certificate(self, request: Request) -> Response:
        signer = self.messages.sns.signer
        found = f"{request.path_params['name']}.pem" == signer.file
        return Response(signer.pem, media_type="application/x-pem-file") if found else Response("no such file", 404)

    async def _mail(self, request: Request) -> Response:
        wanted: dict[str, Any] = orjson.loads(await request.body())

        async def answer() -> Response:
            taken = await self._taken(request, JSONResponse({"MessageId": f"fake-{next(self._numbers):06d}"}))
            if taken.status_code == httpx.codes.OK:
                self._remember(wanted, str(orjson.loads(taken.body)["MessageId"]))
                if self.early:
                    await self.courier.deliver_all()
            return taken

        return await self.faults.answered(answer)

    def _remember(self, wanted: dict[str, Any], message_id: str) -> None:
        self.messages.mailed(
            message_id,
            wanted["FromEmailAddress"],
            wanted["Destination"]["ToAddresses"],
            wanted["Content"]["Simple"]["Subject"]["Data"],
            {tag["Name"]: tag["Value"] for tag in wanted.get("EmailTags", [])},
            wanted.get("ConfigurationSetName"),
        )

    async def _sns(self, request: Request) -> Response:
        """SNS has one address and tells its calls apart by ``Action``."""
        body = (await request.body()).decode()
        form = {name: values[0] for name, values in parse_qs(body or request.url.query).items()}
        if form.get("Action") == "ConfirmSubscription":
            right = self.messages.sns.confirm(form.get("TopicArn", ""), form.get("Token", ""))
            return _xml("<SubscriptionArn>confirmed</SubscriptionArn>") if right else Response("InvalidParameter: Token", 400)
        if form.get("Action") != "Publish" or "PhoneNumber" not in form:
            return await self._passed_on(request)

        async def answer() -> Response:
            own = f"fake-sms-{next(self._numbers):06d}"
            taken = await self._taken(request, _xml(f"<PublishResult><MessageId>{own}</MessageId></PublishResult>", "PublishResponse"))
            found = _MESSAGE_ID.search(bytes(taken.body))
            if found and taken.status_code == httpx.codes.OK:
                self.messages.texted(found[1].decode(), form["PhoneNumber"])
            return taken

        return await self.faults.answered(answer)

    async def _taken(self, request: Request, own: Response) -> Response:
        return await self._passed_on(request) if self.moto else own

    async def _passed_on(self, request: Request) -> Response:
        if self.moto is None:
            return Response("nobody is behind this fake", 404)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        target = httpx.URL(self.moto).copy_with(raw_path=request.url.path.encode() + b"?" + request.url.query.encode())
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            answer = await http.request(request.method, target, headers=headers, content=await request.body())
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, kept)


def _xml(content: str, name: str = "ConfirmSubscriptionResponse") -> Response:
    return Response(f'<{name} xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{content}</{name}>', media_type="text/xml")
