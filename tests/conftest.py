"""What most tests need: a tiny base, a drawn subject, an adapter trained on the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from bases.catalogue import Base, find_base
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.wan import Wan
from finetune.adapter import Adapter
from finetune.train import train
from subjects import PUPPETS, Subject, add_subject
from tests.tiny_base import write_tiny_base

CPU = torch.device("cpu")

# Said by Lightning of what is meant: arguments from Python, endless data of one process, a state
# in the middle of an epoch that has no end; by PyTorch of mixed precision on a CPU; by PEFT of an
# adapter beside another; by MiniMax-H3's sound, and by Mochi's transformer of float32. The tree and
# the last are Lightning's own calls.
_MEANT = (
    "LightningCLI's args parameter is intended",
    "The 'train_dataloader' does not have many workers",
    "You're resuming from a checkpoint that ended before",
    "Found .* module.* in eval mode",
    "`isinstance\\(treespec, LeafSpec\\)` is deprecated",
    "Mismatch dtype between input and weight",
    "Already found a `peft_config` attribute",
    "`torch.nn.utils.weight_norm` is deprecated",
    "In CPU autocast, but the target dtype is not supported",
    ":jsonargparse._deprecated.JsonargparseDeprecationWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    # Tiny models gain nothing from a second thread, and lose much where a core is busy.
    torch.set_num_threads(1)
    for message in _MEANT:
        config.addinivalue_line("filterwarnings", f"ignore:{message}")


@pytest.fixture(scope="session", autouse=True)
def _own_licences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What people have answered on this machine is neither read nor changed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STARRING_LICENCES", str(tmp_path_factory.mktemp("config") / "own.json"))
        yield


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of random weights, to be left as it is."""
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Base:
    return find_base(str(tiny_folder))


@pytest.fixture(scope="session")
def family(tiny: Base) -> Wan:
    return Wan(tiny.source)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four drawn photos of one individual."""
    folder = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(1)
    look, scenes = sample_looks(1, generator), sample_scenes(4, generator, PEOPLE, action="stand")
    pictures = film(look[[0] * 4], scenes, size=256)[:, :, 0]
    for index, picture in enumerate(((pictures + 1) * 127.5).round().byte()):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def eager() -> Iterator[None]:
    """Nothing is compiled: that takes a compiler, and a minute."""
    with torch.compiler.set_stance("force_eager"):
        yield


@pytest.fixture
def add_to(photos: Path) -> Callable[..., Subject]:
    """Adds the drawn subject, as an object, to a home."""

    def add(home: Path, name: str = "toto") -> Subject:
        return add_subject(
            name, [photos], home=home, kind="object", consent=None, faces=None, limits=PUPPETS
        )

    return add


@pytest.fixture
def home(tmp_path: Path, add_to: Callable[..., Subject]) -> Path:
    """A home with the subject 'toto'."""
    add_to(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def command(tiny_folder: Path) -> Callable[..., list[str]]:
    """The arguments of a short training of 'toto' on the tiny base."""

    def arguments(home: Path, *more: str, steps: int = 4) -> list[str]:
        return [
            "--data.subject=toto",
            f"--data.home={home}",
            f"--data.base={tiny_folder}",
            "--data.photos=2",
            "--data.pool=2",
            "--data.ratios=[1.0]",
            "--model.rank=4",
            "--model.alpha=8",
            "--model.lr=1e-2",
            f"--trainer.max_steps={steps}",
            "--trainer.accelerator=cpu",
            *more,
        ]

    return arguments


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, command: Callable[..., list[str]]
) -> Adapter:
    """An adapter of four steps, to be left as it is; its home is two folders up."""
    home = tmp_path_factory.mktemp("trained")
    add_subject(
        "toto", [photos], home=home, kind="object", consent=None, faces=None, limits=PUPPETS
    )
    return train(command(home))
