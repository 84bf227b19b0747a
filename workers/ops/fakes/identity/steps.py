"""What may happen to a session at a provider of identity checks, in one word each."""

from enum import StrEnum


class Step(StrEnum):
    """The last seven decide; where the person has not come yet, they come first."""

    START = "start"
    SUBMIT = "submit"
    APPROVE = "approve"
    DECLINE = "decline"
    RESUBMIT = "resubmit"
    REVIEW = "review"
    EXPIRE = "expire"
    ABANDON = "abandon"
    ERROR = "error"
