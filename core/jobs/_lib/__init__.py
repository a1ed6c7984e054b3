"""What the jobs in this folder share. The leading underscore keeps it from being taken for a job."""
