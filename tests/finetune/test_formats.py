"""Files for other programs change the base as the adapter does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
    WanVACEPipeline,
    WanVACETransformer3DModel,
)
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, safe_open, save_file
from torch import Tensor, nn

from bases.catalogue import Base
from bases.native import NativeNames
from bases.wan import Wan
from finetune.adapter import WEIGHTS, Adapter, change
from finetune.errors import AdapterError
from finetune.formats import FORMATS, export
from finetune.train import train
from tests.finetune.test_adapter import output
from tests.tiny_base import CHANNELS


@pytest.fixture
def exported(trained: Adapter, family: Wan, tmp_path: Path) -> Callable[[str], Path]:
    def write(style: str) -> Path:
        path = tmp_path / f"{style}.safetensors"
        size = export(trained.folder / WEIGHTS, path, style=style, family=family, run=trained.run)
        assert size == pytest.approx(trained.run["experts"][0]["change"], rel=1e-5)
        return path

    return write


def pipeline(tiny: Base) -> WanPipeline:
    return WanPipeline.from_pretrained(tiny.source, dtype=torch.float32)


@pytest.mark.parametrize("style", FORMATS)
def test_diffusers_makes_the_same_model_of_every_format(
    exported: Callable[[str], Path], trained: Adapter, tiny: Base, style: str
) -> None:
    ours, theirs = pipeline(tiny), pipeline(tiny)
    before = output(ours.transformer)
    ours.load_lora_weights(trained.folder, weight_name=WEIGHTS)
    theirs.load_lora_weights(exported(style))
    torch.testing.assert_close(output(theirs.transformer), output(ours.transformer))
    assert not torch.allclose(output(ours.transformer), before, atol=1e-3)


def test_names_are_the_formats_own(exported: Callable[[str], Path]) -> None:
    comfy = load_file(exported("comfyui"))
    assert "diffusion_model.blocks.1.self_attn.q.lora_A.weight" in comfy
    assert "diffusion_model.blocks.0.cross_attn.o.lora_B.weight" in comfy
    assert "diffusion_model.blocks.0.ffn.0.lora_A.weight" in comfy
    kohya = load_file(exported("kohya"))
    assert "lora_unet_blocks_1_self_attn_q.lora_down.weight" in kohya
    assert "lora_unet_blocks_0_ffn_2.lora_up.weight" in kohya
    assert kohya["lora_unet_blocks_0_ffn_2.alpha"] == 4
    assert len(comfy) == 40
    assert len(kohya) == 60


def test_the_header_says_how_to_use_it(exported: Callable[[str], Path]) -> None:
    with safe_open(exported("comfyui"), framework="pt") as file:
        said = file.metadata()
    assert said["modelspec.trigger_phrase"] == "toto"
    assert said["ss_network_dim"] == said["ss_network_alpha"] == "4"


def vace(plain: WanPipeline) -> WanVACEPipeline:
    """Wan-VACE, which has Wan's own blocks beside others."""
    config = {**plain.transformer.config, "vace_layers": [0], "vace_in_channels": 3 * CHANNELS}
    return WanVACEPipeline(
        **parts_of(plain), transformer=WanVACETransformer3DModel.from_config(config)
    )


def image_to_video(plain: WanPipeline) -> WanImageToVideoPipeline:
    """Wan I2V, which takes a picture's latents as channels and its embedding by layers more."""
    config = {
        **plain.transformer.config,
        "in_channels": 2 * CHANNELS + 4,
        "image_dim": 16,
        "added_kv_proj_dim": plain.transformer.config.num_attention_heads
        * plain.transformer.config.attention_head_dim,
    }
    return WanImageToVideoPipeline(
        **parts_of(plain), transformer=WanTransformer3DModel.from_config(config)
    )


def parts_of(plain: WanPipeline) -> dict[str, Any]:
    return {
        name: getattr(plain, name) for name in ("tokenizer", "text_encoder", "vae", "scheduler")
    }


@pytest.mark.filterwarnings("ignore:While injecting")  # of layers that diffusers fills with zeros
@pytest.mark.parametrize("other", [vace, image_to_video])
def test_a_wan_that_takes_other_inputs_takes_the_adapter(
    trained: Adapter, tiny: Base, other: Callable[[WanPipeline], Any]
) -> None:
    torch.manual_seed(0)
    plain, pipe = pipeline(tiny), other(pipeline(tiny))
    pipe.load_lora_weights(trained.folder, weight_name=WEIGHTS)
    plain.load_lora_weights(trained.folder, weight_name=WEIGHTS)
    theirs, ours = changes(pipe.transformer), changes(plain.transformer)
    assert len(ours) == 20
    moved = {name for name, change in theirs.items() if change.abs().max() > 0}
    assert moved == set(ours)
    for name, own in ours.items():
        torch.testing.assert_close(theirs[name], own)


def changes(transformer: nn.Module) -> dict[str, Tensor]:
    """By the names of the layers that an adapter reached, what it adds to each one's weight."""
    return {
        name: layer.get_delta_weight("default_0")
        for name, layer in transformer.named_modules()
        if isinstance(layer, LoraLayer)
    }


def test_layers_that_kohyas_readers_need_and_that_were_not_trained_do_nothing(
    home: Path, command: Callable[..., list[str]], family: Wan, tmp_path: Path
) -> None:
    some = train(command(home, r"--model.targets=blocks\.\d+\.attn1\.to_q", "--data.clips=0"))
    sizes = [
        export(some.folder / WEIGHTS, tmp_path / style, style=style, family=family, run=some.run)
        for style in ("kohya", "comfyui")
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-5)
    filled = {name: up for name, up in load_file(tmp_path / "kohya").items() if "lora_up" in name}
    assert {name for name, up in filled.items() if up.any()} == {
        f"lora_unet_blocks_{block}_self_attn_q.lora_up.weight" for block in (0, 1)
    }
    assert any("cross_attn" in name for name in filled)


def test_a_layer_that_one_block_lacks_does_nothing_there(
    trained: Adapter, family: Wan, tmp_path: Path
) -> None:
    """As where a gate for names has left some out."""
    weights = load_file(trained.folder / WEIGHTS)
    some = {n: weight for n, weight in weights.items() if "blocks.0.attn1.to_q" not in n}
    assert len(some) == len(weights) - 2
    save_file(some, tmp_path / "some.safetensors")
    target = tmp_path / "kohya.safetensors"
    arguments = {"style": "kohya", "family": family, "run": trained.run}
    size = export(tmp_path / "some.safetensors", target, **arguments)
    kohya = load_file(target)
    assert not kohya["lora_unet_blocks_0_self_attn_q.lora_up.weight"].any()
    assert kohya["lora_unet_blocks_1_self_attn_q.lora_up.weight"].any()
    assert size == pytest.approx(change(some), rel=1e-5)


def test_a_name_that_no_reader_knows_is_refused(
    trained: Adapter, family: Wan, tmp_path: Path
) -> None:
    weights = load_file(trained.folder / WEIGHTS)
    odd = {name.replace("attn1.to_q", "attn1.to_z"): weight for name, weight in weights.items()}
    save_file(odd, tmp_path / "odd.safetensors")
    with pytest.raises(AdapterError, match="does not know"):
        export(
            tmp_path / "odd.safetensors",
            tmp_path / "out.safetensors",
            style="comfyui",
            family=family,
            run=trained.run,
        )


def test_a_family_whose_other_names_are_not_known_is_refused(
    trained: Adapter, family: Wan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wan, "native", NativeNames())
    arguments = {"family": family, "run": trained.run}
    for style in ("comfyui", "kohya"):
        with pytest.raises(AdapterError, match="not known for WanPipeline yet"):
            export(trained.folder / WEIGHTS, tmp_path / "out", style=style, **arguments)
    assert export(trained.folder / WEIGHTS, tmp_path / "out", style="diffusers", **arguments) > 0


def test_an_unknown_format_is_refused(trained: Adapter, family: Wan, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="'gguf' is none of diffusers, comfyui, kohya"):
        export(
            trained.folder / WEIGHTS,
            tmp_path / "out.safetensors",
            style="gguf",
            family=family,
            run=trained.run,
        )
