"""Builders of saved editor documents, written out as other programs write them."""

from __future__ import annotations

from typing import Any


def node(node_id, kind, inputs=(), outputs=(), values=None, mode=0, **more) -> dict[str, Any]:
    """`inputs`: (name, type, link id or None[, widget]); `outputs`: (name, type, [link ids])."""
    data: dict[str, Any] = {
        "id": node_id,
        "type": kind,
        "pos": [10, 20],
        "size": [210, 100],
        "flags": {},
        "order": 0,
        "mode": mode,
        "inputs": [
            {
                "name": each[0],
                "type": each[1],
                "link": each[2],
                **({"widget": {"name": each[0]}} if len(each) > 3 else {}),
            }
            for each in inputs
        ],
        "outputs": [{"name": name, "type": kind_, "links": links} for name, kind_, links in outputs],
        "properties": {"Node name for S&R": kind},
        **more,
    }
    if values is not None:
        data["widgets_values"] = values
    return data


def document(nodes, links, **more) -> dict[str, Any]:
    return {
        "last_node_id": 99,
        "last_link_id": 99,
        "nodes": list(nodes),
        "links": [list(each) for each in links],
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
        **more,
    }


def link(link_id, origin, origin_slot, target, target_slot, kind="*", **more) -> dict[str, Any]:
    return {
        "id": link_id,
        "origin_id": origin,
        "origin_slot": origin_slot,
        "target_id": target,
        "target_slot": target_slot,
        "type": kind,
        **more,
    }


def subgraph(definition_id, inputs, outputs, nodes, links, **more) -> dict[str, Any]:
    return {
        "id": definition_id,
        "version": 1,
        "revision": 0,
        "name": definition_id,
        "state": {"lastGroupId": 0, "lastNodeId": 9, "lastLinkId": 9, "lastRerouteId": 0},
        "config": {},
        "inputNode": {"id": -10, "bounding": [0, 0, 120, 80]},
        "outputNode": {"id": -20, "bounding": [600, 0, 120, 60]},
        "inputs": [{"id": f"i{name}", "name": name, "type": kind, "linkIds": ids} for name, kind, ids in inputs],
        "outputs": [{"id": f"o{name}", "name": name, "type": kind, "linkIds": ids} for name, kind, ids in outputs],
        "widgets": [],
        "nodes": list(nodes),
        "groups": [],
        "links": list(links),
        "extra": {},
        **more,
    }


def text_to_image() -> dict[str, Any]:
    """The graph that everybody starts from."""
    return document(
        [
            node(
                4,
                "CheckpointLoaderSimple",
                outputs=[("MODEL", "MODEL", [1]), ("CLIP", "CLIP", [3, 5]), ("VAE", "VAE", [8])],
                values=["a.safetensors"],
            ),
            node(
                6,
                "CLIPTextEncode",
                [("clip", "CLIP", 3)],
                [("CONDITIONING", "CONDITIONING", [4])],
                ["a red circle"],
                title="Positive",
            ),
            node(7, "CLIPTextEncode", [("clip", "CLIP", 5)], [("CONDITIONING", "CONDITIONING", [6])], ["blurry"]),
            node(5, "EmptyLatentImage", [], [("LATENT", "LATENT", [2])], [128, 64, 2]),
            node(
                3,
                "KSampler",
                [
                    ("model", "MODEL", 1),
                    ("positive", "CONDITIONING", 4),
                    ("negative", "CONDITIONING", 6),
                    ("latent_image", "LATENT", 2),
                ],
                [("LATENT", "LATENT", [7])],
                [18446744073709551615, "randomize", 25, 7.5, "euler", "karras", 0.9],
            ),
            node(8, "VAEDecode", [("samples", "LATENT", 7), ("vae", "VAE", 8)], [("IMAGE", "IMAGE", [9])]),
            node(9, "SaveImage", [("images", "IMAGE", 9)], [], ["out"]),
        ],
        [
            (1, 4, 0, 3, 0, "MODEL"),
            (2, 5, 0, 3, 3, "LATENT"),
            (3, 4, 1, 6, 0, "CLIP"),
            (4, 6, 0, 3, 1, "CONDITIONING"),
            (5, 4, 1, 7, 0, "CLIP"),
            (6, 7, 0, 3, 2, "CONDITIONING"),
            (7, 3, 0, 8, 0, "LATENT"),
            (8, 4, 2, 8, 1, "VAE"),
            (9, 8, 0, 9, 0, "IMAGE"),
        ],
    )


TEXT_TO_IMAGE_PROMPT = {
    "4": {
        "inputs": {"ckpt_name": "a.safetensors"},
        "class_type": "CheckpointLoaderSimple",
        "_meta": {"title": "Load Checkpoint"},
    },
    "5": {
        "inputs": {"width": 128, "height": 64, "batch_size": 2},
        "class_type": "EmptyLatentImage",
        "_meta": {"title": "EmptyLatentImage"},
    },
    "6": {
        "inputs": {"text": "a red circle", "clip": ["4", 1]},
        "class_type": "CLIPTextEncode",
        "_meta": {"title": "Positive"},
    },
    "7": {
        "inputs": {"text": "blurry", "clip": ["4", 1]},
        "class_type": "CLIPTextEncode",
        "_meta": {"title": "CLIPTextEncode"},
    },
    "3": {
        "inputs": {
            "seed": 18446744073709551615,
            "steps": 25,
            "cfg": 7.5,
            "sampler_name": "euler",
            "scheduler": "karras",
            "denoise": 0.9,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
        "class_type": "KSampler",
        "_meta": {"title": "KSampler"},
    },
    "8": {"inputs": {"samples": ["3", 0], "vae": ["4", 2]}, "class_type": "VAEDecode", "_meta": {"title": "VAEDecode"}},
    "9": {
        "inputs": {"filename_prefix": "out", "images": ["8", 0]},
        "class_type": "SaveImage",
        "_meta": {"title": "SaveImage"},
    },
}
