"""The Redis of a live core, to inspect and to disturb it."""

import redis

from tests.live import LiveCore


def redis_of(core: LiveCore) -> redis.Redis:
    env = core.services()["api"].environ()
    return redis.Redis.from_url(env["REDIS_URL"], password=env["REDIS_PASSWORD"])
