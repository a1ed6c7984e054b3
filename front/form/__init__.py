"""The form of a job: from the JSON Schema of its parameters to a task."""
