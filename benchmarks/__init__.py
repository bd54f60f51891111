"""Scripts that measure speed, likeness and the audit."""
