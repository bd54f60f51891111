"""Inference: an adapter and a prompt in, a video and its measured likeness out."""
