"""The shapes of answers, as OpenAPI shows them. Data only; views.py fills them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.intake import filled
from hub.intake.withdraw import Will
from hub.model.delivery import Intent, State
from hub.model.issue import IssueState
from hub.model.odd import Odd

PLAIN = filled.PLAIN
Why: TypeAlias = filled.Why
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
    faults: list[FaultView] = Field(description="the first hundred at most")
    faults_left_out: int = Field(examples=[0], description="how many more there are")
    id: str | None = Field(default=None, description="of a failure of the hub itself, for those who read its logs")
    submission: str | None = Field(default=None, description="of `submission.conflict`: what one sent under this id")


@dataclass
class DeliveryView:
    """One Record owed to one System, in words."""

    id: str
    system: str
    title: Text
    simulated: bool
    flow: str
    intent: Intent | Odd
    state: State | Odd
    says: Text
    number: str
    reason: str
    ours: Annotated[bool, Field(description="parked for a fault of the hub's own wiring: nothing was sent")]
    attempts: int
    due_at: datetime | None
    transported_at: datetime | None
    delivered_at: datetime | None
    waits_for: str | None
    repeat: bool
    revision: int
    paused: Annotated[bool, Field(description="nothing goes to the System at present: our settings for it are wrong")]
    ask: Annotated[Text | None, Field(description="on one's own receipt: who settles what goes no further by itself")]


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
    withdrawn: Annotated[bool, Field(description="taken back meanwhile: enter it no more; if it is there, say so")]


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
    state: IssueState | Odd
    assignee: Annotated[str | None, Field(description="who acts, for those who may read values")]
    ask: Annotated[Text | None, Field(description="who may give it to somebody, while nobody has it")]


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
    notes: Annotated[
        list[Text],
        Field(description="what the hub reckoned of a track, and what is odd about it; nothing is refused for it"),
    ]


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


Change = Literal["revise", "withdraw", "move"]
"""What somebody may do to a Submission."""


@dataclass
class SubmissionMark:
    """Another Submission, by what people quote."""

    id: str
    number: str


@dataclass
class WithdrawnView:
    """That a Submission was taken back; who and why only for those who may read values."""

    at: datetime
    by: Author | None
    by_author: Annotated[bool, Field(description="false when a leader took it back")]
    why: Annotated[str | None, Field(examples=["走错门了"])]
    moved_to: Annotated[SubmissionMark | None, Field(description="what was filed at another Place by the same act")]


@dataclass
class ForeseenView:
    """What a withdrawal would do about one Delivery."""

    system: str
    title: Text
    about: Annotated[Text, Field(description="what kind of Record it is")]
    will: Annotated[Will, Field(examples=["send"])]
    number: Annotated[str, Field(description="the System's own, where it is known")]
    says: Text


@dataclass
class WithdrawalForeseen:
    """What a withdrawal would do at this moment."""

    systems: list[ForeseenView]


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
    withdrawn: WithdrawnView | None
    moved_from: Annotated[SubmissionMark | None, Field(description="what it was moved from, which is withdrawn")]


@dataclass
class SubmissionView(SubmissionLine):
    """A Submission as its page shows it; answers only for those who may read values."""

    durable: Annotated[bool, Field(description="false where the hub was told to answer before the disk has flushed")]
    answers: dict[str, Any] | None
    location: dict[str, Any] | None
    shown: Annotated[
        list[str] | None, Field(description="questions for which a known value of the Place was shown", examples=[[]])
    ]
    discrepancies: list[DiscrepancyView]
    may: Annotated[list[Change], Field(description="what you may do to it", examples=[["revise", "withdraw", "move"]])]
