"""What jobs say of a table that they cannot use."""


class UnusableTable(ValueError):
    """A sentence that says what is wrong with the uploaded table, where, and what to do."""
