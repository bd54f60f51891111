"""`starring bench`: likeness, and all that must not be lost for it, on held-out subjects."""
