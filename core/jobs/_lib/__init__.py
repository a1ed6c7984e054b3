"""What the jobs of this folder share; a leading underscore keeps it from being taken for a job."""
