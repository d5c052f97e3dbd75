"""Fetching models from the hub, without the hub."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

import main as program
from diffusion.text.vocabulary import CLIP_REPOSITORY
from worker.models_command import main


@pytest.fixture
def hub(monkeypatch):
    """Notes what is asked of the hub, and answers with the place a file would get."""
    asked = []

    def one(repository, name, revision=None, local_dir=None):
        asked.append((repository, name, revision))
        return str(Path(local_dir or "/cache") / name)

    def whole(repository, revision=None, local_dir=None, allow_patterns=None):
        asked.append((repository, tuple(allow_patterns), revision))
        return str(local_dir)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", one)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", whole)
    return asked


def test_a_file_comes_into_the_folder_for_its_kind(hub, tmp_path, capsys):
    status = main(["pull", "owner/name", "style.safetensors", "--to", "loras", "--data-dir", str(tmp_path)])

    assert status == 0
    assert hub == [("owner/name", "style.safetensors", None)]
    assert capsys.readouterr().out == f"{tmp_path}/models/loras/style.safetensors\n"


def test_a_whole_pipeline_comes_without_pickle_files(hub, tmp_path, capsys):
    assert program.main(["models", "pull", "owner/name", "--revision", "v1", "--data-dir", str(tmp_path)]) == 0

    (repository, patterns, revision), *_ = hub
    assert (repository, revision) == ("owner/name", "v1")
    assert "*.safetensors" in patterns
    assert not [pattern for pattern in patterns if pattern.endswith((".bin", ".pt", ".ckpt"))]
    assert capsys.readouterr().out == f"{tmp_path}/models/checkpoints/owner--name\n"


def test_a_vocabulary_comes_into_the_cache_where_it_is_looked_for(hub, tmp_path):
    assert main(["pull", CLIP_REPOSITORY, "--data-dir", str(tmp_path)]) == 0

    assert [name for _, name, _ in hub] == ["vocab.json", "merges.txt"]


@pytest.mark.parametrize("name", ["../evil.safetensors", "/evil.safetensors"])
def test_a_file_name_that_leads_out_is_refused(hub, tmp_path, capsys, name):
    assert main(["pull", "owner/name", name, "--data-dir", str(tmp_path)]) == 1

    assert hub == []
    assert name in capsys.readouterr().err


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch, tmp_path, capsys):
    def unreachable(*_, **__):
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)

    assert main(["pull", "owner/name", "a.safetensors", "--data-dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: 'owner/name' could not be fetched: no connection Check the name")


def test_an_unknown_folder_is_named(hub, tmp_path, capsys):
    assert main(["pull", "owner/name", "a.safetensors", "--to", "nothing", "--data-dir", str(tmp_path)]) == 1
    assert "There is no model folder 'nothing'" in capsys.readouterr().err


def test_models_are_listed_by_folder(tmp_path, capsys):
    (tmp_path / "models" / "loras").mkdir(parents=True)
    (tmp_path / "models" / "loras" / "a.safetensors").touch()

    assert main(["list", "loras", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "loras/a.safetensors\n"
