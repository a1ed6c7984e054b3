"""The machine that the core runs on: what it is doing, and what is to be done with it."""
