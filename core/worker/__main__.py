"""`python -m core.worker`: what has to be done before Celery is imported, then the worker."""

import logging
import os
import sys

from core import fence, private, settings
from core.errors import CoreError
from core.files import Files
from core.job_files import catalog
from core.worker.nursery import Template

log = logging.getLogger(__name__)

SWITCHES = {
    "REMAP_SIGTERM": "SIGQUIT",  # SIGTERM hands running tasks back at once; Celery would wait until they are done
    "CELERY_WORKER_REVOKES_MAX": "1000",  # records say what was cancelled; Celery would keep 50,000 ids in memory
}


def main() -> None:
    private.begin()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not fence.is_available():
        log.warning("This kernel is older than Linux 6.12: a job can signal the processes of the core.")
    config = settings.load_worker()
    jobs, _ = catalog.discover(config.jobs_package)
    template = Template.begin(jobs, Files(config.data_dir, config.disk_reserve_mb))
    os.environ.update(SWITCHES)
    from core.worker import program  # noqa: PLC0415  # it imports Celery

    program.main(config, jobs, template)


if __name__ == "__main__":
    try:
        main()
    except CoreError as error:
        sys.exit(str(error))
