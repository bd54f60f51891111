"""On a base of every family a subject is learnt, and plain diffusers renders what was learnt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ModularPipeline
from PIL import Image
from safetensors.torch import load_file

from bases.catalogue import Base, find_base
from bases.errors import TooLarge
from bases.families import family_of
from bases.family import Family
from bases.licence import keep_answer
from bases.minimax_h3 import MiniMaxH3
from bases.video import Frames
from finetune.adapter import CARD, Adapter
from finetune.budget import ORDER
from finetune.errors import AdapterError
from finetune.formats import FORMATS, export
from finetune.preservation import LIGHTS, PLACES
from finetune.train import train
from inference.clip import Clip
from inference.render import Renderer
from subjects import PUPPETS, add_subject
from tests.conftest import CPU
from tests.tiny_families import TINY

PROMPT = "toto, an object, waving"


@pytest.fixture(scope="module", params=TINY)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.mktemp("bases") / request.param
    base = find_base(str(TINY[request.param](folder)))
    if base.question:
        keep_answer(base.question)
    return base


def settings(base: Base) -> list[str]:
    """What training on a base wants."""
    family = family_of(base)
    guided = [] if family.takes_guidance else ["--model.guidance_loss=4"]
    seen = ["--data.surroundings=true", "--data.relit=true", "--model.clip_shift=20"]
    return [
        f"--data.base={base.source}",
        *guided,
        *(["--data.clips=0"] if family.pictures else seen),
    ]


@pytest.fixture(scope="module")
def adapter(
    base: Base,
    tmp_path_factory: pytest.TempPathFactory,
    photos: Path,
    command: Callable[..., list[str]],
) -> Adapter:
    home = tmp_path_factory.mktemp("home")
    add_subject(
        "toto", [photos], home=home, kind="object", consent=None, faces=None, limits=PUPPETS
    )
    return train([*command(home), *settings(base)])


def test_its_memory_is_counted(
    base: Base, tmp_path: Path, photos: Path, command: Callable[..., list[str]]
) -> None:
    add_subject(
        "toto", [photos], home=tmp_path, kind="object", consent=None, faces=None, limits=PUPPETS
    )
    arguments = [*command(tmp_path, steps=1), *settings(base)]
    with pytest.raises(TooLarge, match="at its smallest"):
        train([*arguments, "--model.memory=1e-6"])
    adapter = train([*arguments, "--model.memory=5"])
    assert adapter.run["experts"][0]["thrift"] == asdict(ORDER[0])


def test_captions_of_photos_tell_what_it_sees_around_the_subject(
    adapter: Adapter, base: Base
) -> None:
    if family_of(base).pictures:
        pytest.skip("it sees the subject whatever captions say")
    around = tuple(f", {place}, {light}" for place in PLACES for light in LIGHTS)
    assert all(caption.endswith(around) for caption in adapter.run["photos"]["captions"])


def test_every_targeted_layer_moved(adapter: Adapter, base: Base) -> None:
    family = family_of(base)
    transformer = family.load(family.part, dtype=torch.float32, device=CPU)
    targeted = {
        name
        for name, part in transformer.named_modules()
        if isinstance(part, torch.nn.Linear) and re.fullmatch(family.lora_targets, name)
    }
    for path in adapter.files.values():
        weights = load_file(path)
        ups = {name: weight for name, weight in weights.items() if ".lora_B." in name}
        names = {name.removeprefix(f"{family.prefix}.").split(".lora_B")[0] for name in ups}
        assert names == targeted
        # What a last block adds to the prompt's own stream is thrown away.
        last = max(names, key=lambda name: int(re.search(r"\d+", name)[0]))
        prefix = last[: re.search(r"\d+\.", last).end()]
        idle = re.compile(re.escape(prefix) + r"(ff_context|attn1?\.(to_add_out|add_q_proj))")
        for name, weight in ups.items():
            moved = bool(weight.abs().max() > 0)
            assert moved or idle.match(name.removeprefix(f"{family.prefix}.")), name


def opened(family: Family, base: Base) -> Any:
    """The family's pipeline as people open it, without our code."""
    if not isinstance(family, MiniMaxH3):
        return family.pipeline_class.from_pretrained(base.source, dtype=torch.float32)
    pipe = ModularPipeline.from_pretrained(base.source, workflow=family.workflow)
    pipe.load_components(dtype=torch.float32)
    pipe.update_components(processor=family.processor())  # the tiny base has none
    return pipe


def test_plain_diffusers_renders_what_ours_renders(adapter: Adapter, base: Base) -> None:
    renderer, clip = Renderer(base, device=CPU, progress=False), Clip(seed=5)
    family = family_of(base)
    shown = [Image.linear_gradient("L").convert("RGB")] if family.pictures else []
    plain = renderer.render(PROMPT, clip, shown)
    with renderer.adapter(adapter):
        ours = renderer.render(PROMPT, clip, shown)
    assert np.array_equal(renderer.render(PROMPT, clip, shown), plain)
    assert not np.array_equal(ours, plain)
    pipe = opened(family, base)
    for part, path in adapter.files.items():
        getattr(pipe, part).load_lora_adapter(path, prefix=family.prefix)
    theirs = family.draw(
        pipe,
        guidance=base.guidance,
        prompt=PROMPT,
        height=base.height,
        width=base.width,
        num_frames=base.frames,
        num_inference_steps=base.steps,
        generator=torch.Generator().manual_seed(5),
        output_type="np",
        **({"pictures": shown} if shown else {}),
    )[0]
    assert np.abs(np.round(theirs * 255) - ours).max() <= 1


def test_a_pipeline_that_does_not_fit_waits_outside_the_gpu_and_renders_the_same(
    adapter: Adapter, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [Image.linear_gradient("L").convert("RGB")] if family_of(base).pictures else []

    def clips() -> list[Frames]:
        renderer = Renderer(base, device=CPU, progress=False)
        with renderer.adapter(adapter):
            adapted = renderer.render(PROMPT, Clip(), shown)
        return [adapted, renderer.render(PROMPT, Clip(), shown)]

    whole = clips()
    monkeypatch.setattr("bases.placing.room_on", lambda _: 1.0)
    assert all(map(np.array_equal, clips(), whole))
    assert not np.array_equal(*whole)


def test_the_cards_code_names_the_pipeline_and_every_file(adapter: Adapter, base: Base) -> None:
    card = (adapter.folder / CARD).read_text()
    assert f"{family_of(base).pipeline_class.__name__}.from_pretrained(BASE" in card
    for part, path in adapter.files.items():
        assert f'pipe.{part}.load_lora_adapter(FOLDER, weight_name="{path.name}"' in card


def test_the_cards_code_draws_with_the_base_as_we_render_it(
    adapter: Adapter, base: Base, tmp_path: Path
) -> None:
    """In the same precision: what a checkpoint was saved in is another at times."""
    family = family_of(base)
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "photo.png")
    theirs: dict[str, Any] = {
        "BASE": base.source,
        "FOLDER": str(adapter.folder),
        "PHOTOS": [str(tmp_path / "photo.png")],
    }
    for line in (adapter.folder / CARD).read_text().splitlines():
        if line.startswith("    "):
            exec(line[4:], theirs)
        if isinstance(family, MiniMaxH3) and "load_components" in line:
            theirs["pipe"].update_components(processor=family.processor())  # the tiny one has none
    ours = Renderer(base, device=CPU, progress=False).pipe
    for name, part in ours.components.items():
        if isinstance(part, torch.nn.Module):
            assert getattr(theirs["pipe"], name).dtype == part.dtype, name


def test_the_base_may_wait_outside_the_gpu(
    adapter: Adapter, base: Base, command: Callable[..., list[str]]
) -> None:
    """And the adapter comes out the same, rounded otherwise where it lies elsewhere in memory."""
    home = adapter.folder.parents[1]
    waiting = ["--output.name=waiting", "--model.thrift.offload=true"]
    outside = train([*command(home), *settings(base), *waiting])
    for part, path in adapter.files.items():
        torch.testing.assert_close(
            load_file(outside.files[part]), load_file(path), rtol=1e-4, atol=2e-6
        )


@pytest.mark.parametrize("style", FORMATS)
def test_another_program_has_the_same_change_of_every_layer(
    adapter: Adapter, base: Base, tmp_path: Path, style: str
) -> None:
    """Or is refused; what is written has been read back and compared."""
    family = family_of(base)
    for expert in adapter.run["experts"]:
        source, target = adapter.folder / expert["file"], tmp_path / expert["file"]
        if style != "diffusers" and style not in family.native.formats:
            with pytest.raises(AdapterError, match=f"{style!r} is not known"):
                export(source, target, style=style, family=family, run=adapter.run)
        else:
            size = export(source, target, style=style, family=family, run=adapter.run)
            assert size == pytest.approx(expert["change"], rel=1e-4)
