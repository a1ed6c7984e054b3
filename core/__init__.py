"""The tier that works; it may be switched off."""

__version__ = "0.2.0"  # the one source; CHANGELOG.md tells what is in it
