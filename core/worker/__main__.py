"""`python -m core.worker`: sets the switches that Celery reads only when it is imported, then starts the worker."""

import os
import sys

from core import private
from core.errors import CoreError

SWITCHES = {
    "REMAP_SIGTERM": "SIGQUIT",  # SIGTERM hands running tasks back at once; Celery would wait until they are done
    "CELERY_WORKER_REVOKES_MAX": "1000",  # records say what was cancelled; Celery would keep 50,000 ids in memory
}

if __name__ == "__main__":
    private.begin()
    os.environ.update(SWITCHES)
    from core.worker import program

    try:
        program.main()
    except CoreError as problem:
        sys.exit(str(problem))
