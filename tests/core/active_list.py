"""A list of active users in a folder of its own."""

from pathlib import Path
from zoneinfo import ZoneInfo

from core.active_users import ActiveUsers

TOKYO = ZoneInfo("Asia/Tokyo")


def open_list(folder: Path) -> ActiveUsers:
    return ActiveUsers(folder / "users" / "list.json", TOKYO, 24)


def write(users: ActiveUsers, content: bytes) -> None:
    users.path.parent.mkdir(exist_ok=True)
    users.path.write_bytes(content)
