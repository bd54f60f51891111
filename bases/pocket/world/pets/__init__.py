"""Pets."""
