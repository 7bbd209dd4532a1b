"""The shapes of answers, as OpenAPI shows them. Data only; views.py fills them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.model.delivery import Intent, State
from hub.model.issue import IssueState

NotUnderstood = Literal["not_understood"]
"""Stands for a word of a newer program, which this one shows and never acts on."""
PLAIN = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
"""No control characters but tab and newline: databases and logs choke on them."""
Why = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PLAIN, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(max_length=80, pattern=PLAIN)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PLAIN)]
Uuid = Annotated[str, StringConstraints(max_length=36, pattern=r"^[0-9a-fA-F-]+$")]


class Asked(BaseModel):
    """What people send: nothing but the named members, so that nobody sets what is not theirs (A24)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reason(Asked):
    """Why a person does what they do; kept in the journal."""

    why: Why = Field(examples=["对方系统已恢复"])


class View(BaseModel):
    """What the hub answers, checked as it is made; dataclasses are for what makes up every receipt."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Text:
    """The same words in both languages."""

    zh: Annotated[str, Field(examples=["已送达垃圾分类评分，编号 S-20260105-7。"])]
    en: Annotated[str, Field(examples=["Delivered to Garbage scoring, number S-20260105-7."])]


class FaultView(View):
    """One thing wrong in what was sent."""

    path: str = Field(examples=["/answers/visit.purpose"])
    code: str = Field(examples=["required"])
    message: Text
    remedy: Text


class EnglishView(View):
    """A problem's words in English."""

    title: str
    detail: str


class ProblemView(View):
    """Why something was not done (RFC 9457)."""

    type: str = Field(examples=["https://fillonce.dev/problems/submission.invalid"])
    code: str = Field(examples=["submission.invalid"])
    title: str = Field(examples=["有内容需要改正"])
    status: int = Field(examples=[422])
    detail: str
    en: EnglishView
    faults: list[FaultView]
    id: str | None = Field(default=None, description="of a failure of the hub itself, for those who read its logs")


@dataclass
class DeliveryView:
    """One Record owed to one System, in words."""

    id: str
    system: str
    title: Text
    simulated: bool
    flow: str
    intent: Intent | NotUnderstood
    state: State | NotUnderstood
    says: Text
    number: str
    reason: str
    attempts: int
    due_at: datetime | None
    transported_at: datetime | None
    delivered_at: datetime | None
    waits_for: str | None
    repeat: bool
    revision: int


@dataclass
class Erased:
    """What was erased of a Submission."""

    rows: Annotated[dict[str, int], Field(description="by table", examples=[{"delivery": 6, "submission": 2}])]


@dataclass
class HolderView:
    """Who has an entry by hand, and until when."""

    mine: bool
    name: Annotated[str | None, Field(description="told to colleagues only", examples=["何静"])]
    until: datetime


@dataclass
class DeliveryLine(DeliveryView):
    """A Delivery in a list; of an entry by hand also until when somebody should confirm it, and who has it."""

    about: Annotated[Text, Field(description="what kind of Record it is")]
    amends: Annotated[str, Field(description="the System's number of what this amends or withdraws")]
    enter_by: datetime | None
    late: bool
    reminded_at: Annotated[datetime | None, Field(description="since when the System's owner is reminded of it")]
    taken: HolderView | None


@dataclass
class AttemptView:
    """One try of a Delivery."""

    kind: Literal["push", "probe"]
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: Annotated[str, Field(examples=["accepted"])]
    reason: str


@dataclass
class DeliveryPage(DeliveryLine):
    """A Delivery with its tries and, for the System's own department alone, what was sent."""

    record: str
    key: str
    digest: str
    tries: list[AttemptView]
    payload: dict[str, Any] | None


@dataclass
class SkippedView:
    """A System that does not get a Record, and why."""

    system: str
    flow: str
    title: Text
    reason: Text


@dataclass
class IssueMark:
    """Where the Issue of a Record stands."""

    id: str
    state: IssueState


@dataclass
class RecordView:
    """One fact a Submission became, and where it went."""

    key: str
    record: str
    title: Text
    summary: Text | None
    withdrawn: bool
    deliveries: list[DeliveryView]
    skipped: list[SkippedView]
    taker: bool
    issue: IssueMark | None


@dataclass
class DiscrepancyView:
    """Where the author contradicted a source."""

    element: str
    title: Text
    system: str
    system_title: Text
    theirs: Any
    ours: Any


@dataclass
class PlaceMark:
    """A Place by name."""

    id: str
    name: str
    kind: str


@dataclass
class Author:
    """Who filled a form."""

    name: str


@dataclass
class SubmissionLine:
    """A Submission in a list."""

    id: str
    client_id: str
    number: str
    form: str
    version: int
    title: Text
    revision: int
    place: PlaceMark | None
    occurred_at: datetime
    reported_at: datetime
    received_at: datetime
    by: Author | None
    records: list[RecordView]


@dataclass
class SubmissionView(SubmissionLine):
    """A Submission as its page shows it; answers only for those who may read values."""

    durable: Annotated[bool, Field(description="false where the hub was told to answer before the disk has flushed")]
    answers: dict[str, Any] | None
    location: dict[str, Any] | None
    discrepancies: list[DiscrepancyView]
