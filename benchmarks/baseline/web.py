"""The web process: validates a submission, stores it with its deliveries and defers their jobs in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import FastAPI, HTTPException, Response
from psycopg.types.json import Jsonb
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from benchmarks.baseline.jobs import SCHEMA, SYSTEMS, deliver, jobs, pool

Line = Annotated[str, Field(min_length=1, max_length=100)]


class Location(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    crs: Literal["wgs84", "gcj02", "bd09", "cgcs2000"]
    accuracy_m: float | None = Field(default=None, ge=0)


class Answers(BaseModel):
    """The twelve fields."""

    model_config = ConfigDict(extra="forbid", alias_generator=lambda name: f"inspection.{name}")
    reference: Line
    title: Line
    category: Literal["dispute", "river", "housing", "hazard", "environment", "other"]
    severity: Line
    site: Line
    households: int = Field(ge=0, le=100_000)
    flow: float = Field(ge=0, le=1000)
    inspected_on: date
    urgent: bool
    contact: str = Field(max_length=20)
    location: Location | None = None
    detail: str = Field(min_length=1, max_length=800)


class Submission(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: UUID
    form: Literal["inspection"]
    version: Literal[1]
    place: str | None = None
    occurred_at: AwareDatetime
    reported_at: AwareDatetime
    location: dict[str, Any]
    answers: Answers
    seen: dict[str, Any] = Field(default_factory=dict)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with pool, jobs.open_async():
        async with pool.connection() as connection:
            await connection.execute(SCHEMA)
            found = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
            is_new = (await found.fetchone() or (None,))[0] is None
        if is_new:
            await jobs.schema_manager.apply_schema_async()
        yield


app = FastAPI(lifespan=lifespan)


def payload(submission: Submission, system: int) -> bytes:
    """Return what one system gets."""
    answers = submission.answers
    return orjson.dumps(
        {
            "key": str(submission.id),
            "system": system,
            "reference": answers.reference,
            "title": answers.title,
            "category": answers.category,
            "severity": answers.severity,
            "site": answers.site,
            "households": answers.households,
            "detail": answers.detail,
            "place": answers.location.model_dump() if answers.location else None,
            "happenedAt": submission.occurred_at.isoformat(),
        }
    )


@app.post("/submissions", status_code=201)
async def submit(submission: Submission) -> dict[str, str]:
    """Accept: everything or nothing is on disk when this answers."""
    submission_id, systems = str(submission.id), range(len(SYSTEMS))
    async with pool.connection() as connection, connection.transaction():
        made = await connection.execute(
            "INSERT INTO submission (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (submission_id, Jsonb(submission.model_dump(mode="json", by_alias=True))),
        )
        if made.rowcount:
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO delivery (submission_id, system, payload) VALUES (%s, %s, %s)",
                    [(submission_id, system, payload(submission, system)) for system in systems],
                )
            deferrer = deliver.configure(connection=connection)
            await deferrer.batch_defer_async(*({"submission_id": submission_id, "system": each} for each in systems))
    return {"id": submission_id}


@app.get("/submissions/{submission_id}")
async def show(submission_id: UUID) -> dict[str, Any]:
    """Say what became of a submission."""
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT system, status, remote_id FROM delivery WHERE submission_id = %s ORDER BY system", (submission_id,)
        )
        rows = await found.fetchall()
    if not rows:
        raise HTTPException(404)
    return {"id": str(submission_id), "deliveries": [dict(zip(("system", "status", "remote_id"), row, strict=True))
                                                    for row in rows]}  # fmt: skip


@app.get("/ready")
async def ready() -> Response:
    return Response()
