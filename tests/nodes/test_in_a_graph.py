"""Speed, hooks and training wired into one graph and run by the engine, as a workflow does it."""

import nodes
from graph_runtime.engine import Engine
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.prompt import parse_prompt

SAMPLED = {"seed": 1, "steps": 4, "cfg": 4.0, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0}
CHANGE = {"strength_model": 1.0, "strength_clip": 1.0}
COURSE = {"strength_start": 0.0, "strength_end": 1.0, "interpolation": "ease_in", "keyframes_count": 3}
LESSON = {
    "batch_size": 1, "grad_accumulation_steps": 1, "steps": 2, "learning_rate": 0.001, "rank": 2, "optimizer": "AdamW",
    "loss_function": "MSE", "seed": 0, "training_dtype": "bf16", "lora_dtype": "bf16", "algorithm": "LoRA",
    "gradient_checkpointing": True, "existing_lora": "[None]",
}  # fmt: skip


def prompt():
    """A picture under a course of hooks on a faster model; a LoRA learned from it, saved, and its losses drawn."""
    graph = {
        "model": ("CheckpointLoaderSimple", {"ckpt_name": "tiny.safetensors"}),
        "text": ("CLIPTextEncode", {"clip": ["hooked", 0], "text": "red"}),
        "empty": ("CLIPTextEncode", {"clip": ["model", 1], "text": ""}),
        "canvas": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "hook": ("CreateHookModelAsLora", {"ckpt_name": "other.safetensors", **CHANGE}),
        "course": (
            "CreateHookKeyframesInterpolated",
            {**COURSE, "start_percent": 0.0, "end_percent": 0.8, "print_keyframes": True},
        ),
        "set": ("SetHookKeyframes", {"hooks": ["hook", 0], "hook_kf": ["course", 0]}),
        "both": ("CombineHooks2", {"hooks_A": ["set", 0]}),
        "hooked": (
            "SetClipHooks",
            {"clip": ["model", 1], "apply_to_conds": True, "schedule_clip": True, "hooks": ["both", 0]},
        ),
        "faster": (
            "FirstBlockCache",
            {"model": ["format", 0], "threshold": 0.1, "start_percent": 0.0, "end_percent": 1.0},
        ),
        "format": ("ModelComputeDtype", {"model": ["limited", 0], "dtype": "bf16"}),
        "limited": ("CFGNorm", {"model": ["model", 0], "strength": 1.0}),
        "sampler": (
            "KSampler",
            {
                "model": ["faster", 0],
                "positive": ["text", 0],
                "negative": ["empty", 0],
                "latent_image": ["canvas", 0],
                **SAMPLED,
            },
        ),
        "picture": ("VAEDecode", {"samples": ["sampler", 0], "vae": ["model", 2]}),
        "saved": ("SaveImage", {"images": ["picture", 0], "filename_prefix": "picture"}),
        "lesson": (
            "TrainLoraNode",
            {"model": ["model", 0], "latents": ["sampler", 0], "positive": ["empty", 0], **LESSON},
        ),
        "lora": ("SaveLoRANode", {"lora": ["lesson", 1], "prefix": "loras/learned", "steps": ["lesson", 3]}),
        "losses": ("LossGraphNode", {"loss": ["lesson", 2], "filename_prefix": "losses"}),
    }
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in graph.items()}


async def test_a_workflow_of_hooks_speed_and_training_runs_to_its_end(tmp_path):
    from diffusion.testing import tiny_checkpoint

    folders = Folders(tmp_path)
    folders.create()
    for seed, name in enumerate(("tiny", "other")):
        tiny_checkpoint(folders.model_dirs("checkpoints")[0] / f"{name}.safetensors", seed=seed)
    engine = Engine(nodes.catalogue(), files=Files(folders))
    try:
        outcome = await engine.run(parse_prompt(prompt()), job="test")
    finally:
        engine.close()

    assert outcome.status == "succeeded", outcome
    assert set(outcome.outputs) == {"saved", "losses"}
    assert (tmp_path / "output" / "loras" / "learned_2_steps_00001_.safetensors").is_file()
