"""The whole core on one machine, without containers."""
