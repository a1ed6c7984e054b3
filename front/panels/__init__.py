"""The parts of the pages. Each panel shows one thing and handles its own buttons."""
