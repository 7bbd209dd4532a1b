"""The worker process: 32 jobs at a time, woken by NOTIFY."""

import asyncio

from benchmarks.baseline.jobs import CONCURRENCY, client, jobs, pool


async def work() -> None:
    """Run jobs until told to stop."""
    async with pool, jobs.open_async():
        await jobs.run_worker_async(queues=["deliveries"], concurrency=CONCURRENCY, shutdown_graceful_timeout=5)
    await client().aclose()


if __name__ == "__main__":
    asyncio.run(work())
