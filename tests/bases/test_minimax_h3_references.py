"""MiniMax-H3's partition for references is trained on what its own pipeline packs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from bases.catalogue import find_base
from bases.errors import BrokenBase
from bases.families import family_of
from bases.family import PICTURE
from bases.folder import missing_files, part_in
from bases.minimax_h3 import MiniMaxH3, patchify_video_latents, unpatchified
from bases.minimax_h3_references import MiniMaxH3References
from tests.conftest import CPU
from tests.tiny_base import SIZE
from tests.tiny_minimax_h3 import FRAMES, check_rows, write_tiny_minimax_h3

PROMPT, STEPS, PATCH = "toto, an object, waving", 3, (1, 2, 2)
PICTURES = [
    Image.linear_gradient("L").resize((48, 80)).convert("RGB"),
    Image.radial_gradient("L").resize((70, 40)).convert("RGB"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_minimax_h3(tmp_path_factory.mktemp("bases") / "ref", task="ref2va")


@pytest.fixture(scope="module")
def family(folder: Path) -> MiniMaxH3References:
    return MiniMaxH3References(str(folder))


@pytest.fixture(scope="module")
def pipe(family: MiniMaxH3References) -> Any:
    pipe = family.pipeline(dtype=torch.float32, device=CPU)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def seen(family: MiniMaxH3References, pipe: Any) -> list[dict[str, Any]]:
    """What the pipeline hands its transformer at every step."""
    calls: list[dict[str, Any]] = []

    def keep(module: torch.nn.Module, args: tuple[Any, ...], arguments: dict[str, Any]) -> None:
        calls.append({n: v.clone() if isinstance(v, Tensor) else v for n, v in arguments.items()})

    hook = pipe.transformer_ref.register_forward_pre_hook(keep, with_kwargs=True)
    family.draw(
        pipe,
        guidance=1.0,
        prompt=PROMPT,
        height=SIZE,
        width=2 * SIZE,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        pictures=PICTURES,
    )
    hook.remove()
    return calls


@pytest.fixture(scope="module")
def conditions(family: MiniMaxH3References) -> dict[str, Tensor]:
    text, vae = (family.load(part, dtype=torch.float32, device=CPU) for part in ("text", "vae"))
    latents = [family.encode_picture(vae, picture) for picture in PICTURES]
    shown = {f"{PICTURE}{number}": picture for number, picture in enumerate(latents)}
    return {**family.encode_shown(text, PROMPT, PICTURES), **shown}


@pytest.mark.parametrize("step", range(STEPS - 1))
def test_training_packs_what_the_pipeline_packs(
    family: MiniMaxH3References,
    pipe: Any,
    seen: list[dict[str, Any]],
    conditions: dict[str, Tensor],
    step: int,
) -> None:
    theirs, sigma = seen[step], pipe.scheduler.sigmas[step : step + 1]
    like = torch.zeros(1, *family.grid.latent_shape(SIZE, 2 * SIZE, FRAMES))
    own = patchify_video_latents(like, PATCH).shape[0]
    noisy = unpatchified(theirs["hidden_states"][:, -own:], like, PATCH)
    ours = family.transformer_inputs(noisy, sigma, conditions)
    for name in ("encoder_hidden_states", "text_indices"):
        assert torch.equal(ours[name], theirs[name]), name
    assert torch.equal(ours["hidden_states"][:, -own:], theirs["hidden_states"][:, -own:])
    shown = ours["hidden_states"][:, :-own] - theirs["hidden_states"][:, :-own]
    assert 0 < shown.abs().max() < 0.02  # each has drawn the little noise by itself
    assert set(theirs) - set(ours) == {"attention_kwargs", "return_dict"}
    check_rows(ours, theirs)
    assert len(ours["timestep"].unique()) == 2
    assert not len(ours["audio_indices"])


def test_what_is_predicted_is_the_clip_alone(
    family: MiniMaxH3References, seen: list[dict[str, Any]]
) -> None:
    like = torch.randn(1, *family.grid.latent_shape(SIZE, 2 * SIZE, FRAMES))
    rows = torch.cat([torch.zeros(7, 16), patchify_video_latents(like, PATCH)])[None]
    assert torch.equal(family.prediction((rows,), like, torch.ones(1)), -like)


def test_a_picture_as_clean_as_the_clip_is_not_said_to_be_noisier(
    family: MiniMaxH3References, conditions: dict[str, Tensor]
) -> None:
    noisy = torch.zeros(1, *family.grid.latent_shape(SIZE, SIZE, 1))
    said = family.transformer_inputs(noisy, torch.tensor([0.0002]), conditions)["timestep"]
    torch.testing.assert_close(said, torch.tensor([0.9998, 0.9998]))


def test_a_prompt_without_words_still_shows_its_pictures(family: MiniMaxH3References) -> None:
    text = family.load("text", dtype=torch.float32, device=CPU)
    empty, space = (family.encode_shown(text, said, PICTURES) for said in ("", " "))
    assert torch.equal(empty["encoder_hidden_states"], space["encoder_hidden_states"])
    other = family.encode_shown(text, "", PICTURES[::-1])["encoder_hidden_states"]
    assert other.shape != empty["encoder_hidden_states"].shape or not torch.equal(
        other, empty["encoder_hidden_states"]
    )


def test_a_picture_that_is_too_long_is_cut(family: MiniMaxH3References) -> None:
    """The pipeline takes none beyond four to one."""
    vae = family.load("vae", dtype=torch.float32, device=CPU)
    long = Image.linear_gradient("L").resize((40, 400)).convert("RGB")
    latents = family.encode_picture(vae, long)
    assert latents.shape[-2] == 4 * latents.shape[-1]
    middle = family.encode_picture(vae, long.crop((0, 120, 40, 280)))
    torch.testing.assert_close(latents, middle)


def test_a_folder_is_opened_by_the_partition_that_it_has(folder: Path, tmp_path: Path) -> None:
    assert part_in(folder) == "transformer_ref"
    assert isinstance(family_of(find_base(str(folder))), MiniMaxH3References)
    words = write_tiny_minimax_h3(tmp_path / "words")
    (words / "transformer_ref").symlink_to(folder / "transformer_ref")
    assert type(family_of(find_base(str(words)))) is MiniMaxH3
    (words / "starring.json").write_text('{"part": "transformer_ref"}')
    assert isinstance(family_of(find_base(str(words))), MiniMaxH3References)
    (words / "starring.json").write_text('{"part": "transformer_2"}')
    with pytest.raises(BrokenBase, match="'transformer_2'.*transformer, transformer_ref"):
        family_of(find_base(str(words)))
    (words / "starring.json").write_text('{"part": ["transformer"]}')
    with pytest.raises(BrokenBase, match="must be a folder"):
        find_base(str(words))


def test_either_partition_is_whole_without_the_other(folder: Path, tmp_path: Path) -> None:
    words = write_tiny_minimax_h3(tmp_path / "words")
    assert not missing_files(words)
    assert not missing_files(folder, "transformer_ref")
    assert missing_files(folder) == ["transformer in modular_model_index.json"]
    (folder / "transformer_ref" / "config.json").rename(tmp_path / "config.json")
    try:
        assert missing_files(folder, "transformer_ref") == ["transformer_ref/config.json"]
    finally:
        (tmp_path / "config.json").rename(folder / "transformer_ref" / "config.json")


def test_the_two_partitions_are_told_apart(folder: Path, tmp_path: Path) -> None:
    words = write_tiny_minimax_h3(tmp_path / "words", seed=1)
    (words / "transformer_ref").symlink_to(folder / "transformer_ref")
    text = find_base(str(words))
    (words / "starring.json").write_text('{"part": "transformer_ref"}')
    assert find_base(str(words)).fingerprint == find_base(str(folder)).fingerprint
    assert find_base(str(words)).fingerprint != text.fingerprint


def test_equal_weights_in_both_partitions_are_told_apart_too(tmp_path: Path) -> None:
    words = write_tiny_minimax_h3(tmp_path / "words")
    text = find_base(str(words))
    (words / "transformer_ref").symlink_to(words / "transformer")
    (words / "starring.json").write_text('{"part": "transformer_ref"}')
    assert find_base(str(words)).fingerprint != text.fingerprint
