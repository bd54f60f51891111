"""Fine-tuning: a subject in, an adapter out."""
