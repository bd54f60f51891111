"""Keeps the libraries' own chatter off the terminal, so that ours can be read."""

from __future__ import annotations

import logging
import os
import warnings


def hush_imports() -> None:
    """What libraries would say while they are imported; call it before any of them is."""
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    for name in ("torchao", "torch.utils._pytree", "bitsandbytes"):
        logging.getLogger(name).setLevel(logging.ERROR)


def hush_models() -> None:
    """Turn off the loading bars and tips of transformers' models."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def hush() -> None:
    """Turn off loading bars, tips and deprecation notes; downloads still show their progress."""
    from diffusers.utils import logging as diffusers_logging

    hush_models()
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    for name in ("pytorch_lightning", "lightning_fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    for module in ("pytorch_lightning", "huggingface_hub", "peft"):
        warnings.filterwarnings("ignore", module=module)
