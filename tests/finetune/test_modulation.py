"""What hears the noise level alone is kept as thin products, and comes out the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from diffusers import MiniMaxH3Transformer3DModel
from diffusers.models.modeling_utils import get_parameter_dtype
from torch import Tensor, nn

from bases.catalogue import find_base
from bases.families import family_of
from bases.licence import keep_answer
from bases.minimax_h3 import MiniMaxH3
from finetune.errors import TrainingError
from finetune.modulation import DIRECTIONS, Factorised, factorise
from finetune.module import LoraModule
from finetune.thrift import Thrift
from tests.conftest import CPU
from tests.tiny_minimax_h3 import tiny_minimax_h3

WIDE = 96
LEVELS = torch.linspace(0.003, 0.997, 50)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> MiniMaxH3:
    return tiny_minimax_h3(tmp_path_factory.mktemp("bases") / "h3")


def wide(family: MiniMaxH3) -> MiniMaxH3Transformer3DModel:
    """A transformer whose noise levels are embedded in more dimensions than are kept."""
    torch.manual_seed(5)
    said = {**family.config("transformer"), "time_embed_dim": WIDE, "time_embed_hidden_dim": WIDE}
    transformer = MiniMaxH3Transformer3DModel.from_config(said)
    assert isinstance(transformer, MiniMaxH3Transformer3DModel)
    return transformer


def modulation_layers(transformer: MiniMaxH3Transformer3DModel) -> list[nn.Module]:
    blocks = [block.adaln_proj for block in transformer.transformer_blocks]
    return [module.linear for module in (*blocks, transformer.norm_out)]


def modulations(family: MiniMaxH3, transformer: MiniMaxH3Transformer3DModel) -> Tensor:
    heard = family.modulated_by(transformer, LEVELS)
    layers = modulation_layers(transformer)
    said = [layer(heard.to(get_parameter_dtype(layer))).float() for layer in layers]
    return torch.cat(said, dim=1)


def test_a_few_directions_say_what_all_said(family: MiniMaxH3) -> None:
    transformer = wide(family)
    before = modulations(family, transformer)
    factorise(transformer, family)
    torch.testing.assert_close(modulations(family, transformer), before, rtol=0, atol=1e-5)
    for layer in modulation_layers(transformer):
        assert isinstance(layer, Factorised)
        assert layer.up.shape[1] == DIRECTIONS


def test_in_half_precision_no_more_is_lost_than_by_rounding(family: MiniMaxH3) -> None:
    transformer = wide(family)
    for layer in modulation_layers(transformer):
        layer.weight.data = layer.weight.data.bfloat16().float()
    exact = modulations(family, transformer)
    for layer in modulation_layers(transformer):
        layer.bfloat16()
    rounded = modulations(family, transformer)
    factorise(transformer, family)
    thin = modulations(family, transformer)
    assert (thin - exact).norm() <= (rounded - exact).norm()


def test_under_autocast_nothing_more_is_rounded(family: MiniMaxH3) -> None:
    transformer = wide(family)
    factorise(transformer, family)
    heard, layer = family.modulated_by(transformer, LEVELS), modulation_layers(transformer)[0]
    said = layer(heard)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(heard), said, rtol=0, atol=0)


def test_a_whole_base_predicts_the_same(family: MiniMaxH3) -> None:
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    text = family.load("text", dtype=torch.float32, device=CPU)
    noisy = torch.randn(
        1, *family.grid.latent_shape(32, 32, 1), generator=torch.Generator().manual_seed(0)
    )
    words = family.encode_prompt(text, "toto, an object")
    inputs = family.transformer_inputs(noisy, torch.tensor([0.4]), words)
    before = transformer(**inputs, return_dict=False)[0]
    factorise(transformer, family)
    torch.testing.assert_close(transformer(**inputs, return_dict=False)[0], before)


def test_training_factorises_where_it_is_asked_to(family: MiniMaxH3) -> None:
    if question := find_base(family.source).question:
        keep_answer(question)
    thrift = Thrift(modulation="factorised")
    module = LoraModule(base=family.source, guidance_loss=4.0, thrift=thrift)
    module.configure_model()
    assert all(isinstance(layer, Factorised) for layer in modulation_layers(module.transformer))
    learning = [name for name, w in module.transformer.named_parameters() if w.requires_grad]
    assert learning
    assert all(".lora_" in name for name in learning)


def test_an_embedding_that_goes_everywhere_is_refused(
    family: MiniMaxH3, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = torch.randn(300, WIDE, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(MiniMaxH3, "modulated_by", lambda *_: F.silu(noise))
    with pytest.raises(TrainingError, match=r"would lose .* Leave it at 'plain'"):
        factorise(wide(family), family)


def test_other_bases_stay_as_they_are(tiny_folder: Path) -> None:
    family = family_of(find_base(str(tiny_folder)))
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    before = [type(module) for module in transformer.modules()]
    factorise(transformer, family)
    assert [type(module) for module in transformer.modules()] == before
    assert nn.Linear in before
