"""The error of a job that cannot use the uploaded table."""


class UnusableTable(ValueError):
    """The message says what is wrong with the uploaded table, where, and what to do about it."""
