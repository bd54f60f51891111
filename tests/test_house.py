"""The house rules: imports run one way, recipes are read, the command answers at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bases.catalogue import BASES, Base
from finetune.data import SubjectData
from finetune.module import LoraModule
from finetune.train import TrainingCLI
from finetune.trainer import DEFAULTS

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "bases": (),
    "subjects": (),
    "finetune": ("bases", "subjects"),
    "inference": ("bases", "subjects", "finetune.adapter", "finetune.errors"),
    "studio": ("bases", "subjects", "finetune", "inference"),
    "benchmarks": ("bases", "subjects", "finetune", "inference", "studio"),
}
SLOW_TO_IMPORT = ("torch", "diffusers", "transformers", "pytorch_lightning", "insightface", "numpy")
RECIPES = sorted((ROOT / "configs").glob("*/*.yaml"))
RECIPES = [path for path in RECIPES if path.parent.name in ("finetune", "names")]


def modules(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def imports(path: Path) -> Iterator[str]:
    """The full name of every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def lies_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_run_one_way(folder: str) -> None:
    allowed = (folder, *MAY_IMPORT[folder])
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in imports(path)
        if name.split(".")[0] in {*MAY_IMPORT, "tests"}
        and not any(lies_in(name, package) for package in allowed)
    ]
    assert not wrong


@pytest.mark.parametrize("folder", ["bases", "subjects", "inference"])
def test_auditing_and_rendering_do_without_lightning(folder: str) -> None:
    names = {name.split(".")[0] for path in modules(folder) for name in imports(path)}
    assert not names & {"pytorch_lightning", "lightning", "lightning_fabric"}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_file_is_a_drawer_for_everything(folder: str) -> None:
    names = {path.stem for path in modules(folder)}
    assert not names & {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_every_file_says_what_it_does_and_is_short_enough(folder: str) -> None:
    for path in modules(folder):
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), path
        assert text.count("\n") <= 400, path


def test_every_recipe_belongs_to_a_base_and_every_base_has_one() -> None:
    assert {path.stem for path in RECIPES} == {base.name for base in BASES}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_recipe_builds_what_it_describes(recipe: Path, home: Path, tiny: Base) -> None:
    known = recipe.parent.name == "finetune"
    told = f"--base {recipe.stem}\n" if known else f"--config {recipe.relative_to(ROOT)} "
    assert recipe.read_text().startswith(f"# starring train SUBJECT {told}")
    overrides = [
        "--data.subject=toto",
        f"--data.home={home}",
        f"--data.base={tiny.source}",
        "--trainer.accelerator=cpu",
    ]
    cli = TrainingCLI(
        LoraModule,
        SubjectData,
        args=[f"--config={recipe}", *overrides],
        run=False,
        save_config_callback=None,
        seed_everything_default=0,
        trainer_defaults=DEFAULTS,
    )
    said = yaml.safe_load(recipe.read_text())
    assert cli.trainer.max_steps == said["trainer"]["max_steps"]
    for built, part in ((cli.model, "model"), (cli.datamodule, "data")):
        chosen = cli.config[part].as_dict()
        for name, value in said.get(part, {}).items():
            value = float(value) if isinstance(chosen[name], float) else value
            assert chosen[name] == pytest.approx(value), name
            if hasattr(built, name) and not isinstance(value, list):
                assert getattr(built, name) == pytest.approx(value), name


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What the command prints, and the slow packages that it imported for that."""
    code = (
        "import sys\n"
        f"sys.argv = ['starring', *{list(arguments)!r}]\n"
        "from studio.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('LOADED', *[name for name in {SLOW_TO_IMPORT!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    shown, _, names = done.stdout.rpartition("LOADED")
    return shown, set(names.split())


@pytest.mark.parametrize("arguments", [(), ("train",), ("render",), ("subject", "add")])
def test_help_answers_without_importing_what_is_slow(arguments: tuple[str, ...]) -> None:
    shown, loaded = loaded_by(*arguments, "--help")
    assert "Usage: starring" in shown
    assert not loaded
