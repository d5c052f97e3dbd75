"""Which device a worker computes on, told before torch is there."""

import os

import pytest

from worker import devices
from worker.settings import Settings


@pytest.mark.parametrize(
    ("options", "visible"),
    [({"cpu": True}, ""), ({"device": "cpu"}, ""), ({"device": "cuda:1"}, "1"), ({"device": "cuda"}, "0"), ({}, None)],
)
def test_torch_is_shown_only_the_chosen_device(tmp_path, monkeypatch, options, visible):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices.sys, "modules", {})

    devices.restrict(Settings(tmp_path, **options))

    assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "1"])
def test_a_name_that_is_no_device_is_refused(tmp_path, device):
    with pytest.raises(ValueError, match=r"is no device\. Use cpu, cuda or cuda:1"):
        devices.restrict(Settings(tmp_path, device=device))


def test_the_devices_are_described_as_clients_expect():
    (device, *_) = devices.describe_devices()

    assert device.keys() == {
        "name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free",
    }  # fmt: skip
    assert device["vram_total"] > device["vram_free"] > 0
    assert devices.is_warm() and devices.versions()["torch"]
