"""What happens beside the training: progress, speed, resuming, previews, the export."""

from finetune.callbacks.export import ExportAdapter, trained_experts
from finetune.callbacks.finite import StopUnlessFinite
from finetune.callbacks.preview import Preview
from finetune.callbacks.progress import Progress
from finetune.callbacks.resume import ResumeState
from finetune.callbacks.stop import StopGently
from finetune.callbacks.throughput import Throughput

__all__ = [
    "ExportAdapter",
    "Preview",
    "Progress",
    "ResumeState",
    "StopGently",
    "StopUnlessFinite",
    "Throughput",
    "trained_experts",
]
