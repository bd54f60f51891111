"""The front doors: the `starring` command."""
