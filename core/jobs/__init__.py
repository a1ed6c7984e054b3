"""One job a file: add a file, touch nothing else."""
