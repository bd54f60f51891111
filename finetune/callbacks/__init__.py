"""What happens beside the training: progress, resuming, previews, the adapter's export."""

from finetune.callbacks.export import ExportAdapter
from finetune.callbacks.preview import Preview
from finetune.callbacks.progress import Progress
from finetune.callbacks.resume import ResumeState

__all__ = ["ExportAdapter", "Preview", "Progress", "ResumeState"]
