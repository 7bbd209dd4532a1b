"""Whether the hub lives, whether it can work, and its counts for Prometheus; at the root, beside the API."""

from collections.abc import Mapping
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from hub.model.people import Role
from hub.model.system import Breaker
from hub.outbox.entry.press import late_before
from hub.store import Session
from hub.store.clock import skew_of
from hub.store.query import retention, systems
from hub.store.query.counts import delivery_counts, totals, withdrawn_count
from hub.store.query.entries import late_counts
from hub.store.query.journal import latest_epoch
from hub.store.query.lists import LateBefore
from hub.web.context import Hub, Parts
from hub.web.security import client_address, recognised
from hub.web.whom import forbidden

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def alive(hub: Hub) -> Mapping[str, bool | str | int]:
    """Say that the process answers, how safely it keeps, and whether it was ever blocked; asks nothing else."""
    living = {"alive": True, "durability": hub.settings.durability}
    blocked, _ = hub.stood_still()
    return {**living, "blocked": blocked} if blocked else living


@router.get("/readyz")
async def ready(response: Response, hub: Hub) -> Mapping[str, bool | int | str]:
    """Say whether the hub can work, and what is missing when not; whether it was restored, and what it holds back."""
    checks = await hub.ready()
    if not all(checks.values()):
        response.status_code = 503
        return checks
    epoch, held = await hub.store.read(lambda session: (latest_epoch(session), _held(session, hub)))
    details: dict[str, bool | int | str] = dict(checks)
    if epoch:
        details["epoch"] = epoch.number
    if held:
        details["retention_held"] = held
    return details


def _held(session: Session, hub: Parts) -> str:
    """Return why nothing is erased by term; empty where it is, or where everything is kept for good."""
    known = retention.state(session) if hub.settings.retention else None
    return known.held if known else ""


@router.get("/metrics")
async def metrics(request: Request, hub: Hub) -> Response:
    """Give the counts, to this very machine or an operator."""
    if not _is_local(request, hub):
        scope = (await recognised(request, hub)).scope
        if scope.role is not Role.OPERATOR:
            raise await hub.store.read(lambda session: forbidden(session, Role.OPERATOR, scope.division))
    own, late = CollectorRegistry(), late_before(hub.registry, hub.clock.now())
    _own_figures(own, hub)
    counts, held = await hub.store.read(lambda session: (_exposition(session, late), _held(session, hub)))
    Gauge("hub_retention_held", "1 while nothing is erased by term", ["why"], registry=own).labels(held).set(bool(held))
    return Response(generate_latest(own) + counts, media_type=CONTENT_TYPE_LATEST)


def _is_local(request: Request, hub: Parts) -> bool:
    """Say whether the request began on this machine; one a proxy passed on for somebody unknown did not."""
    address = client_address(request, hub.settings)
    forwarded = "x-forwarded-for" in request.headers and address == (request.client.host if request.client else "")
    try:
        return ip_address(address).is_loopback and not forwarded
    except ValueError:
        return False


def _own_figures(registry: CollectorRegistry, hub: Parts) -> None:
    """Put in what this process knows of itself and its machine."""
    Gauge("hub_log_bytes", "Size of SQLite's log; large while somebody reads for long", registry=registry).set(
        hub.store.log_bytes()
    )
    Gauge(
        "hub_clock_skew_seconds", "How far this host's clock is ahead of the database's, which all go by",
        registry=registry,
    ).set(skew_of(hub.clock).total_seconds())  # fmt: skip
    times, seconds = hub.stood_still()
    Gauge(
        "hub_loop_blocked", "Times this process's event loop stood still for about a second or more", registry=registry
    ).set(times)
    Gauge("hub_loop_blocked_seconds", "How long it stood still then, all together", registry=registry).set(seconds)


def _exposition(session: Session, late: LateBefore) -> bytes:
    """Return every count, read afresh: several processes share one database, none of them knows the whole."""
    registry = CollectorRegistry()
    counted = totals(session)
    Gauge("hub_submissions", "Submissions accepted, corrections and withdrawals included", registry=registry).set(
        counted["submission"].total()
    )
    Gauge("hub_submissions_withdrawn", "Submissions withdrawn, moved ones included", registry=registry).set(
        withdrawn_count(session)
    )
    epoch = latest_epoch(session)
    Gauge("hub_epoch", "1, and one more for each restore of a copy", registry=registry).set(
        epoch.number if epoch else 1
    )
    standing = Gauge("hub_deliveries", "Deliveries by System and state", ["system", "state"], registry=registry)
    for (system, state), count in delivery_counts(session, counted["delivery"]).items():
        standing.labels(system, state.value).set(count)
    overdue = Gauge("hub_entries_late", "Entries by hand nobody confirmed in time", ["system"], registry=registry)
    for system, count in late_counts(session, late).items():
        overdue.labels(system).set(count)
    tried = Gauge("hub_attempts", "Attempts by outcome; open ones have none", ["outcome"], registry=registry)
    for outcome, count in counted["attempt"].items():
        tried.labels(outcome).set(count)
    held = Gauge("hub_system_held", "1 while nothing goes to a System", ["system", "why"], registry=registry)
    for name, row in systems.all_states(session).items():
        held.labels(name, "paused").set(bool(row.paused_reason))
        held.labels(name, "breaker").set(row.breaker != Breaker.CLOSED)
    return generate_latest(registry)
