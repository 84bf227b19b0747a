"""What other services' answers mean for a contract."""

from collections.abc import Sequence

from contracts.client import ContractClientConfirmed, ContractClientRefused
from contracts.contract.commands import RecordContractParty
from contracts.contract.values import Party
from contracts.contractor import ContractContractorConfirmed, ContractContractorRefused
from workers.engine.decision import Item
from workers.engine.service import Event, Send


def client_confirmed(event: Event[ContractClientConfirmed], _rows: Sequence[Item]) -> Sequence[Send]:
    return (_confirmed(Party.CLIENT, event.data),)


def client_refused(event: Event[ContractClientRefused], _rows: Sequence[Item]) -> Sequence[Send]:
    return (_refused(Party.CLIENT, event.data),)


def contractor_confirmed(event: Event[ContractContractorConfirmed], _rows: Sequence[Item]) -> Sequence[Send]:
    return (_confirmed(Party.CONTRACTOR, event.data),)


def contractor_refused(event: Event[ContractContractorRefused], _rows: Sequence[Item]) -> Sequence[Send]:
    return (_refused(Party.CONTRACTOR, event.data),)


def _confirmed(party: Party, data: ContractClientConfirmed | ContractContractorConfirmed) -> Send:
    return Send(
        RecordContractParty(
            contract_id=data.contract_id,
            party=party,
            check_no=data.check_no,
            ok=True,
            verified=data.verified,
            user_id=data.user_id,
            name=data.name,
            country=data.country,
        )
    )


def _refused(party: Party, data: ContractClientRefused | ContractContractorRefused) -> Send:
    return Send(
        RecordContractParty(
            contract_id=data.contract_id,
            party=party,
            check_no=data.check_no,
            ok=False,
            verified=False,
            reason=data.reason.value,
        )
    )
