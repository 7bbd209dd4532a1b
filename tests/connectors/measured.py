"""How much memory the process took at most while something ran, and how long its event loop was kept busy in one go."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.connectors.test_answers_broken import forget_peak, memory_mb


@dataclass
class Measured:
    """What was seen, once the block is over."""

    grew_mb: float = 0.0
    blocked_s: float = 0.0
    """Processor time of the loop's thread between two of its turns: neighbours on this machine do not count."""


@asynccontextmanager
async def measured() -> AsyncIterator[Measured]:
    """Measure the block; as in a running hub, what was loaded before is no garbage to be looked through."""
    gc.collect()
    gc.freeze()
    seen, held_mb = Measured(), forget_peak()
    beating = asyncio.create_task(_beat(seen))
    try:
        await asyncio.sleep(0)
        yield seen
    finally:
        await asyncio.sleep(0.002)
        beating.cancel()
        gc.unfreeze()
        seen.grew_mb = memory_mb("VmHWM") - held_mb


async def _beat(seen: Measured) -> None:
    used_s = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now_s = time.thread_time()
        seen.blocked_s, used_s = max(seen.blocked_s, now_s - used_s), now_s
