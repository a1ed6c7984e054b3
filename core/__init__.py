"""The tier that works; it may be switched off."""
