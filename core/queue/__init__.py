"""The task queue: Redis, the Lua scripts that change it in one step, and Celery's messages."""
