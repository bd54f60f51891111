"""The base video models: one file a family, one interface for all."""
