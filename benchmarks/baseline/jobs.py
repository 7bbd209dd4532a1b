"""The database and the job: one delivery of one submission to one system, retried until it is taken."""

import os
from functools import cache

import httpx
from procrastinate import App, PsycopgConnector, RetryStrategy
from psycopg_pool import AsyncConnectionPool

DATABASE = os.environ["BASELINE_DATABASE"]
SYSTEMS = os.environ["BASELINE_SYSTEMS"].split(",")
CONCURRENCY = 32
SCHEMA = """
CREATE TABLE IF NOT EXISTS submission (
  id uuid PRIMARY KEY, body jsonb NOT NULL, received_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS delivery (
  submission_id uuid NOT NULL REFERENCES submission, system int NOT NULL, payload bytea NOT NULL,
  status text NOT NULL DEFAULT 'waiting', remote_id text, delivered_at timestamptz,
  PRIMARY KEY (submission_id, system));
"""
jobs = App(connector=PsycopgConnector(conninfo=DATABASE, min_size=4, max_size=CONCURRENCY))
pool = AsyncConnectionPool(DATABASE, min_size=4, max_size=16, open=False)


@cache
def client() -> httpx.AsyncClient:
    """Return the one client of this process."""
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    return httpx.AsyncClient(limits=limits, timeout=10, trust_env=False)


@jobs.task(name="deliver", queue="deliveries", retry=RetryStrategy(max_attempts=100, wait=1))
async def deliver(submission_id: str, system: int) -> None:
    """Post one payload and note that it was taken; an exception makes Procrastinate try again."""
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT payload FROM delivery WHERE submission_id = %s AND system = %s AND status <> 'delivered'",
            (submission_id, system),
        )
        row = await found.fetchone()
    if row is None:
        return
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"{submission_id}:{system}"}
    answer = await client().post(SYSTEMS[system], content=row[0], headers=headers)
    answer.raise_for_status()
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE delivery SET status = 'delivered', remote_id = %s, delivered_at = now()"
            " WHERE submission_id = %s AND system = %s",
            (answer.text, submission_id, system),
        )
