"""What the methods of built-in V1 classes are called, and in which order they take their arguments.

Packs call built-in nodes as plain classes: `nodes.VAEDecode().decode(vae, samples)`. Facts: names and orders only; a
class that is not listed has the method `execute`. Without an order, arguments come as the inputs are declared.
"""

from __future__ import annotations

__all__ = ["METHODS", "ORDERS"]

_BY_METHOD = {
    "add_noise": "AddNoise",
    "append": "ConditioningSetArea ConditioningSetAreaPercentage ConditioningSetAreaStrength ConditioningSetMask "
    "GLIGENTextBoxApply CLIPTextEncodeFlux FluxGuidance",
    "apply_adm": "unCLIPConditioning",
    "apply_controlnet": "ControlNetApply ControlNetApplyAdvanced ControlNetApplySD3",
    "apply_stylemodel": "StyleModelApply",
    "addWeighted": "ConditioningAverage",
    "apply": "DifferentialDiffusion",
    "batch": "ImageBatch LatentBatch",
    "blend_images": "ImageBlend",
    "blur": "ImageBlur",
    "combine": "ConditioningCombine MaskComposite",
    "composite": "LatentComposite ImageCompositeMasked LatentCompositeMasked",
    "concat": "ConditioningConcat",
    "crop": "LatentCrop ImageCrop CropMask",
    "decode": "VAEDecode VAEDecodeTiled",
    "encode": "CLIPTextEncode VAEEncode VAEEncodeTiled VAEEncodeForInpaint CLIPVisionEncode InpaintModelConditioning "
    "CLIPTextEncodeSDXL CLIPTextEncodeSDXLRefiner",
    "expand_image": "ImagePadForOutpaint",
    "expand_mask": "GrowMask",
    "feather": "FeatherMask",
    "flip": "LatentFlip",
    "frombatch": "LatentFromBatch ImageFromBatch",
    "generate": "EmptyLatentImage EmptyImage",
    "get_guider": "BasicGuider CFGGuider DualCFGGuider PerpNegGuider",
    "get_noise": "DisableNoise RandomNoise",
    "get_sampler": "KSamplerSelect SamplerEulerAncestral SamplerEulerAncestralCFGPP SamplerLMS SamplerDPMPP_2M_SDE "
    "SamplerDPMPP_3M_SDE SamplerDPMPP_SDE SamplerDPMPP_2S_Ancestral SamplerDPMAdaptative SamplerER_SDE",
    "get_sigmas": "BasicScheduler KarrasScheduler ExponentialScheduler PolyexponentialScheduler LaplaceScheduler "
    "VPScheduler BetaSamplingScheduler SDTurboScheduler SplitSigmas SplitSigmasDenoise FlipSigmas SetFirstSigma "
    "AlignYourStepsScheduler",
    "image_to_mask": "ImageToMask ImageColorToMask ThresholdMask",
    "invert": "ImageInvert InvertMask",
    "load": "LoadLatent",
    "load_checkpoint": "CheckpointLoaderSimple CheckpointLoader DiffusersLoader unCLIPCheckpointLoader",
    "load_clip": "CLIPLoader DualCLIPLoader CLIPVisionLoader TripleCLIPLoader",
    "load_controlnet": "ControlNetLoader DiffControlNetLoader",
    "load_gligen": "GLIGENLoader",
    "load_image": "LoadImage LoadImageMask LoadImageOutput",
    "load_lora": "LoraLoader",
    "load_lora_model_only": "LoraLoaderModelOnly",
    "load_model": "UpscaleModelLoader",
    "load_style_model": "StyleModelLoader",
    "load_unet": "UNETLoader",
    "load_vae": "VAELoader",
    "mask_to_image": "MaskToImage",
    "merge": "ModelMergeSimple CLIPMergeSimple",
    "op": "LatentAdd LatentSubtract LatentMultiply LatentInterpolate",
    "patch": "FreeU FreeU_V2 ModelSamplingDiscrete ModelSamplingFlux ModelSamplingSD3 "
    "RescaleCFG PatchModelAddDownscale HyperTile TomePatchModel PerturbedAttentionGuidance SelfAttentionGuidance "
    "ModelSamplingContinuousEDM ModelSamplingContinuousV",
    "quantize": "ImageQuantize",
    "repeat": "RepeatLatentBatch RepeatImageBatch",
    "rotate": "LatentRotate",
    "sample": "KSampler KSamplerAdvanced SamplerCustom SamplerCustomAdvanced",
    "save": "SaveLatent CheckpointSave",
    "save_images": "SaveImage PreviewImage SaveAnimatedPNG SaveAnimatedWEBP",
    "set_last_layer": "CLIPSetLastLayer",
    "set_mask": "SetLatentNoiseMask",
    "set_range": "ConditioningSetTimestepRange",
    "sharpen": "ImageSharpen",
    "solid": "SolidMask",
    "upscale": "ImageScale ImageScaleBy ImageScaleToTotalPixels LatentUpscale LatentUpscaleBy ImageUpscaleWithModel",
    "zero_out": "ConditioningZeroOut",
}
METHODS: dict[str, str] = {id: method for method, ids in _BY_METHOD.items() for id in ids.split()}
"""Node id → the value of its FUNCTION."""

ORDERS: dict[str, tuple[str, ...]] = {
    "CLIPTextEncode": ("clip", "text"),
    "CLIPVisionEncode": ("clip_vision", "image", "crop"),
    "ConditioningSetMask": ("conditioning", "mask", "set_cond_area", "strength"),
    "ImageUpscaleWithModel": ("upscale_model", "image"),
    "InpaintModelConditioning": ("positive", "negative", "pixels", "vae", "mask", "noise_mask"),
    "VAEDecode": ("vae", "samples"),
    "VAEDecodeTiled": ("vae", "samples", "tile_size", "overlap", "temporal_size", "temporal_overlap"),
    "VAEEncode": ("vae", "pixels"),
    "VAEEncodeForInpaint": ("vae", "pixels", "mask", "grow_mask_by"),
    "VAEEncodeTiled": ("vae", "pixels", "tile_size", "overlap", "temporal_size", "temporal_overlap"),
}
"""Node id → the order of positional arguments, where it is not that of the inputs."""
