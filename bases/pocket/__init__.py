"""Pocket: a small Wan, trained on a world that we draw, which runs on two CPU cores."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
BASE = WEIGHTS / "base"
"""The base in diffusers' layout."""
FACES = WEIGHTS / "faces"
"""The face package, for `insightface.app.FaceAnalysis(name=FACES)`."""
ENCODER = WEIGHTS / "encoder"
"""The image encoder that tells drawn pets and objects apart, for `subjects.encoders`."""
EXPRESSIONS = WEIGHTS / "expressions"
"""The classifier of drawn faces' expressions, for `subjects.expressions`."""
PRESERVATION = WEIGHTS / "preservation.safetensors"
"""Latents of clips drawn by the base, with their prompts."""
JUDGE = WEIGHTS / "judge.safetensors"
"""The judge, which scores clips in the bench."""
SAMPLE = Path(__file__).parent / "sample"
"""Eight photos of an individual that the base has never seen."""
