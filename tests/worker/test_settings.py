"""The flags of a worker, and what the server passes."""

import argparse
from pathlib import Path

import pytest

from server.pools.local import worker_command
from server.settings import CacheSetting, ExtraPath
from server.settings import Settings as ServerSettings
from worker.settings import CacheChoice, add_arguments, from_arguments


def parse(*flags):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args([str(flag) for flag in flags]))


def test_every_flag_that_a_server_passes_is_understood(tmp_path):
    server = ServerSettings(
        data_dir=tmp_path, models_dirs=(tmp_path / "m1", tmp_path / "m2"), input_dir=tmp_path / "i",
        output_dir=tmp_path / "o", temp_dir=tmp_path / "t", user_dir=tmp_path / "u",
        extra_paths=(ExtraPath("loras", tmp_path / "l"), ExtraPath("loras", tmp_path / "first", True)), cpu=True,
        cache=CacheSetting("lru", 7), preview_method="latent2rgb", preview_size=256, disable_metadata=True,
        disable_custom_nodes=True, whitelist_custom_nodes=("a", "b"),
        disk_cache=5000, memory_limit=6000, checkpoint_steps=3, warm_up=False,
    )  # fmt: skip

    settings = parse(*worker_command(server)[3:])

    assert settings.cpu and settings.disable_metadata and settings.disable_custom_nodes
    assert settings.whitelist_custom_nodes == ("a", "b")
    assert (settings.cache, settings.preview_method, settings.preview_size) == (
        CacheChoice("lru", 7),
        "latent2rgb",
        256,
    )
    assert (settings.disk_cache, settings.memory_limit, settings.checkpoint_steps) == (5000, 6000, 3)
    assert not settings.warm_up
    folders = settings.folders()
    assert (folders.input, folders.output) == (tmp_path / "i", tmp_path / "o")
    assert (folders.temp, folders.user) == (tmp_path / "t", tmp_path / "u")
    assert folders.models_dirs == (tmp_path / "models", tmp_path / "m1", tmp_path / "m2")
    assert folders.model_dirs("loras")[0] == tmp_path / "first" and tmp_path / "l" in folders.model_dirs("loras")


@pytest.mark.parametrize(
    ("flags", "choice"),
    [
        ([], CacheChoice("bytes", 0)),
        (["--cache-bytes", "1000"], CacheChoice("bytes", 1000)),
        (["--cache-classic"], CacheChoice("classic")),
        (["--cache-lru", "5"], CacheChoice("lru", 5)),
        (["--cache-lru", "0"], CacheChoice("classic")),
        (["--cache-none"], CacheChoice("none")),
    ],
)
def test_the_cache_is_chosen_by_one_flag(flags, choice):
    assert parse(*flags).cache == choice


@pytest.mark.parametrize(
    "flags",
    [["--cache-lru", "-1"], ["--extra-path", "loras"], ["--cache-none", "--cache-classic"], ["--preview-size", "x"]],
)
def test_a_wrong_flag_ends_with_usage(flags, capsys):
    with pytest.raises(SystemExit):
        parse(*flags)
    assert flags[0] in capsys.readouterr().err


def test_the_data_folder_holds_everything_unless_told_otherwise():
    folders = parse("--data-dir", "/data").folders()

    assert folders.output == Path("/data/output") and folders.models_dirs == (Path("/data/models"),)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1500", 1500), ("20GB", 20 * 1024**3), ("1.5 MiB", 1536 * 1024), ("2t", 2 * 1024**4)]
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse("--disk-cache", text).disk_cache == size


@pytest.mark.parametrize("text", ["", "much", "-1", "5 apples", "1e9"])
def test_what_is_no_size_is_refused_with_an_example(text, capsys):
    with pytest.raises(SystemExit):
        parse("--disk-cache", text)
    assert "20GB" in capsys.readouterr().err
