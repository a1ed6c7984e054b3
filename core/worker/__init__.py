"""The Celery worker: it runs tasks, and takes back what dead workers held."""
