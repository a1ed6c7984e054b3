"""What the pages are made of: each panel shows one thing, and holds what its buttons do."""
