"""The jobs, one per file: to add a job, add a file and change nothing else."""
