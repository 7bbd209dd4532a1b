"""One dispatcher process of a race: waits for the start, claims until nothing is left, prints what it got.

`python -m tests.machine.racer URL SYSTEM MANY` claims straight over the database, as no second process may on SQLite;
`python -m tests.machine.racer URL` asks for the store as a hub does.
"""

import asyncio
import sys
from datetime import timedelta

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from hub.errors import Problem
from hub.outbox.claim import claim_due
from hub.store import open_store
from hub.store.engine import open_writing
from tests.builders import AT


def race(url: str, system: str, many: int) -> None:
    """Claim `many` at a time, one transaction each, until there is nothing more."""
    engine = open_writing(url)
    with engine.connect():
        """Connected before the start, so that all run at once."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    got: list[str] = []
    while True:
        try:
            with Session(engine) as session:
                claims = claim_due(session, {system: (many, timedelta(seconds=30))}, AT)
                session.commit()
        except OperationalError:
            continue  # SQLite: eight want the one writer's place, and this one waited in vain for five seconds
        if not claims:
            break
        got += [f"{claim.delivery_id} {claim.attempt_id}" for claim in claims]
    sys.stdout.write("\n".join(got) + "\n")


def ask(url: str) -> None:
    """Open the store, or say why not."""
    try:
        store = open_store(url)
    except Problem as problem:
        sys.stdout.write(problem.code + "\n")
    else:
        asyncio.run(store.close())
        sys.stdout.write("opened\n")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        ask(sys.argv[1])
    else:
        race(sys.argv[1], sys.argv[2], int(sys.argv[3]))
