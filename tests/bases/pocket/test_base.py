import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import WanPipeline

from bases.catalogue import Base, find_base
from bases.pocket import BASE, PRESERVATION, SMALL, WEIGHTS
from finetune.examples import load_examples
from finetune.preservation import prompts

MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=["pocket", "pocket-64"])
def base(request: pytest.FixtureRequest) -> Base:
    return find_base(request.param)


@pytest.fixture(scope="module")
def pipe(base: Base) -> WanPipeline:
    return WanPipeline.from_pretrained(base.source, dtype=torch.float32)


def test_every_file_of_weights_is_small_enough_for_the_repository() -> None:
    sizes = {path: path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()}
    assert max(sizes.values()) < 16 * MEGABYTE
    for folder in (BASE, SMALL):
        assert sum(size for path, size in sizes.items() if folder in path.parents) < 48 * MEGABYTE


def test_weights_are_safetensors_or_onnx_and_no_pickle() -> None:
    kinds = {path.suffix for path in WEIGHTS.rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".onnx", ".json"}


def test_plain_diffusers_renders_what_the_prompt_decides(base: Base, pipe: WanPipeline) -> None:
    pipe.set_progress_bar_config(disable=True)

    def draw(prompt: str) -> np.ndarray:
        return pipe(
            prompt,
            height=base.height,
            width=base.width,
            num_frames=5,
            num_inference_steps=6,
            guidance_scale=base.guidance,
            generator=torch.Generator().manual_seed(0),
            output_type="np",
            max_sequence_length=pipe.tokenizer.model_max_length,
        ).frames[0]

    beach, again = (
        draw("a person at the beach, wide shot"),
        draw("a person at the beach, wide shot"),
    )
    desert = draw("a person in the desert, wide shot")
    assert beach.shape == (5, base.height, base.width, 3)
    np.testing.assert_array_equal(beach, again)
    sky = (slice(None), slice(0, base.height // 4), slice(0, base.width // 4))
    assert beach[sky][..., 2].mean() > desert[sky][..., 2].mean() + 0.1, "no bluer at the beach"


def test_the_preservation_clips_were_drawn_by_this_base() -> None:
    base = find_base("pocket")
    examples = load_examples(PRESERVATION, {"drawn by": base.fingerprint_of_all})
    assert examples is not None
    assert [example.caption for example in examples] == prompts(32)
    assert all(example.latents.ndim == 4 for example in examples)


def test_the_tokenizer_spells_out_words_that_it_never_saw(pipe: WanPipeline) -> None:
    ids = pipe.tokenizer("zqxjk 漢字 ñandú").input_ids
    assert pipe.tokenizer.decode(ids, skip_special_tokens=True).strip() == "zqxjk 漢字 ñandú"


def test_the_base_says_how_it_likes_to_be_used(base: Base) -> None:
    assert set(json.loads((Path(base.source) / "starring.json").read_text())) == {
        "height", "width", "frames", "fps", "steps", "guidance",
    }  # fmt: skip
