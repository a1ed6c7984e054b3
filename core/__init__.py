"""The tier that runs the jobs. It is off unless somebody needs it."""

__version__ = "0.2.0"  # the one source; CHANGELOG.md tells what is in it
