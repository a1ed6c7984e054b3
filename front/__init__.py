"""The tier that is always on; it never imports core."""
