"""The machine that the core runs on: its state, and the orders to start and stop it."""
