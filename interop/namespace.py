"""Names that packs ask of the established host, by module: facts counted over popular packs, and nothing but names.

A name listed for a module that this engine implements (interop/standins) but that the module lacks is a placeholder;
names not listed there do not exist, so that packs can still ask `hasattr`. Modules without a stand-in consist of
placeholders altogether. Dunder names and members of classes are left out.
"""

from __future__ import annotations

__all__ = ["GENERIC", "ROOTS", "SHARED", "SURFACE", "is_known_module"]

ROOTS = frozenset(
    {"comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution", "comfy_extras", "comfyui_version"}
    | {"execution", "folder_paths", "latent_preview", "node_helpers"}
)
"""Top-level host modules whose names belong to nobody else."""

SHARED = frozenset({"nodes", "server"})
"""Host modules that share their name with a package of ours: only packs see these."""

GENERIC = frozenset({"alembic_db", "api_server", "app", "cuda_malloc", "middleware", "protocol", "utils"})
"""Host packages with everyday names: for packs only, and only where no other module has the name."""

SURFACE: dict[str, str] = {
    "comfy.audio_encoders": "",
    "comfy.checkpoint_pickle": "Unpickler load pickle",
    "comfy.cldm": "",
    "comfy.cldm.cldm": "ControlNet",
    "comfy.cli_args": (
        "EnumAction LatentPreviewMethod PerformanceFeature args enables_dynamic_vram is_valid_directory parser"
    ),
    "comfy.clip_config_bigg": "",
    "comfy.clip_model": "",
    "comfy.clip_vision": "ClipVisionModel Output clip_preprocess load load_clipvision_from_sd",
    "comfy.comfy_types": (
        "CheckLazyMixin ComfyNodeABC FileLocator HiddenInputTypeDict IO InputTypeDict InputTypeOptions UnetApplyConds "
        "UnetApplyFunction UnetParams UnetWrapperFunction"
    ),
    "comfy.comfy_types.node_typing": (
        "CheckLazyMixin ComfyNodeABC FileLocator HiddenInputTypeDict IO InputTypeDict InputTypeOptions "
        "MultiSelectOptions RangeOptions RemoteInputOptions StrEnum"
    ),
    "comfy.conds": "CONDNoiseShape CONDRegular",
    "comfy.controlnet": (
        "ControlBase ControlLora ControlNet ControlNetSD35 StrengthType T2IAdapter broadcast_image_to load_controlnet"
    ),
    "comfy.diffusers_convert": "load_diffusers",
    "comfy.diffusers_load": "load_diffusers",
    "comfy.extra_samplers": "",
    "comfy.float": "stochastic_rounding",
    "comfy.gligen": "Gligen",
    "comfy.hooks": (
        "HookGroup HookKeyframe HookKeyframeGroup WrapperHook load_hook_lora_for_models set_conds_props "
        "set_conds_props_and_combine set_default_conds_and_combine set_hooks_for_conditioning"
    ),
    "comfy.image_encoders": "",
    "comfy.k_diffusion": "",
    "comfy.k_diffusion.sampling": (
        "BrownianTreeNoiseSampler default_noise_sampler get_ancestral_step sample_dpmpp_2m_sde "
        "sample_dpmpp_2m_sde_gpu sample_dpmpp_3m_sde sample_dpmpp_3m_sde_gpu sample_dpmpp_sde sample_dpmpp_sde_gpu "
        "to_d torch"
    ),
    "comfy.k_diffusion.utils": "FolderOfImages",
    "comfy.latent_formats": "Flux SC_B SC_Prior SD15 SD3 SDXL SDXL_Playground_2_5 SD_X4 Wan21",
    "comfy.ldm": "",
    "comfy.ldm.anima": "",
    "comfy.ldm.common_dit": "rms_norm",
    "comfy.ldm.flux.layers": "DoubleStreamBlock SingleStreamBlock timestep_embedding",
    "comfy.ldm.flux.math": "apply_rope",
    "comfy.ldm.lightricks.model": "GuideAttentionMask _attention_with_guide_mask apply_rotary_emb",
    "comfy.ldm.lightricks.vae.causal_conv3d": "CausalConv3d",
    "comfy.ldm.lightricks.vae.causal_video_autoencoder": "Decoder Encoder ResnetBlock3D",
    "comfy.ldm.lightricks.vae.pixel_norm": "PixelNorm",
    "comfy.ldm.lumina.model": "FeedForward",
    "comfy.ldm.minimax": "",
    "comfy.ldm.models": "",
    "comfy.ldm.models.autoencoder": "AutoencoderKL",
    "comfy.ldm.modules": "",
    "comfy.ldm.modules.attention": (
        "BasicTransformerBlock CrossAttention FeedForward SpatialTransformer SpatialVideoTransformer attention_basic "
        "attention_flash attention_pytorch attention_sage attention_split attention_sub_quad attention_xformers "
        "default optimized_attention optimized_attention_masked wrap_attn"
    ),
    "comfy.ldm.modules.diffusionmodules.mmdit": "JointBlock RMSNorm",
    "comfy.ldm.modules.diffusionmodules.model": "ResnetBlock",
    "comfy.ldm.modules.diffusionmodules.openaimodel": (
        "Downsample ResBlock SpatialTransformer TimestepEmbedSequential UNetModel Upsample VideoResBlock "
        "apply_control forward_timestep_embed original_apply_control"
    ),
    "comfy.ldm.modules.diffusionmodules.util": "timestep_embedding zero_module",
    "comfy.ldm.modules.distributions.distributions": "DiagonalGaussianDistribution",
    "comfy.ldm.util": "exists",
    "comfy.ldm.wan.model": "WanI2VCrossAttention WanT2VCrossAttention",
    "comfy.ldm.wan.vae": "CausalConv3d RMS_norm",
    "comfy.lora": "calculate_weight load_lora model_lora_keys_clip model_lora_keys_unet",
    "comfy.lora_convert": "",
    "comfy.model_base": (
        "BaseModel CLIPEmbeddingNoiseAugmentation ModelType SD21UNCLIP SDXL SDXLRefiner SDXL_instructpix2pix "
        "SVD_img2vid Timestep convert_tensor model_sampling sdxl_pooled"
    ),
    "comfy.model_detection": (
        "convert_config count_blocks model_config_from_unet unet_config_from_diffusers_unet unet_prefix_from_state_dict"
    ),
    "comfy.model_management": (
        "CPUState DISABLE_SMART_MEMORY ENABLE_PYTORCH_ATTENTION EXTRA_RESERVED_VRAM FLOAT8_TYPES FORCE_FP32 "
        "InterruptProcessingException LoadedModel MIN_WEIGHT_MEMORY_RATIO NUM_STREAMS OOM_EXCEPTION PRIORITIZE_FP16 "
        "STREAMS VAE_DTYPES VRAMState WINDOWS XFORMERS_ENABLED_VAE XFORMERS_IS_AVAILABLE XFORMERS_VERSION "
        "archive_model_dtypes cast_to cast_to_device cleanup_models cleanup_models_gc cpu_mode cpu_state "
        "current_loaded_models current_stream device_supports_non_blocking directml_enabled dtype_size "
        "extended_fp16_support extra_reserved_memory flash_attention_enabled force_channels_last "
        "force_upcast_attention_dtype free_memory get_autocast_device get_free_memory get_offload_stream "
        "get_supported_float8_types get_torch_device get_torch_device_name get_total_memory in_training "
        "intermediate_device intermediate_dtype interrupt_current_processing interrupt_processing "
        "interrupt_processing_mutex is_amd is_ascend_npu is_device_cpu is_device_cuda is_device_mps is_device_type "
        "is_device_xpu is_directml_enabled is_intel_xpu is_ixuca is_mlu is_nvidia load_model_gpu load_models_gpu "
        "loaded_models lowvram_available mac_version maximum_vram_for_weights minimum_inference_memory module_size "
        "mps_mode offloaded_memory pick_weight_dtype processing_interrupted pytorch_attention_enabled "
        "pytorch_attention_enabled_vae pytorch_attention_flash_attention raise_non_oom resolve_lowvram_weight "
        "sage_attention_enabled set_vram_to should_use_bf16 should_use_fp16 soft_empty_cache stream_counters "
        "supports_cast supports_dtype supports_fp8_compute sync_stream text_encoder_device text_encoder_dtype "
        "text_encoder_initial_device text_encoder_offload_device throw_exception_if_processing_interrupted "
        "torch_version torch_version_numeric total_ram total_vram unet_dtype unet_dtype_orig unet_inital_load_device "
        "unet_manual_cast unet_offload_device unload_all_models unload_model_clones use_more_memory vae_device "
        "vae_dtype vae_offload_device vram_state xformers_enabled xformers_enabled_vae"
    ),
    "comfy.model_patcher": (
        "AutoPatcherEjector CoreModelPatcher LowVramPatch MemoryCounter ModelPatcher PatcherInjection "
        "create_model_options_clone get_key_weight key_param_name_to_key move_weight_functions "
        "set_model_options_patch_replace set_model_options_post_cfg_function set_model_options_pre_cfg_function "
        "string_to_seed wipe_lowvram_weight"
    ),
    "comfy.model_sampling": "CONST ModelSamplingDiscrete time_snr_shift",
    "comfy.multigpu": "",
    "comfy.nested_tensor": "",
    "comfy.ops": (
        "cast_bias_weight cast_to disable_weight_init linear_input_act manual_cast pick_operations uncast_bias_weight"
    ),
    "comfy.options": "args_parsing enable_args_parsing",
    "comfy.patcher_extension": (
        "CallbacksMP PatcherInjection WrapperExecutor WrappersMP add_wrapper_with_key get_wrappers_with_key"
    ),
    "comfy.quant_ops": "",
    "comfy.rmsnorm": "RMSNorm rms_norm",
    "comfy.sample": (
        "cleanup_additional_models fix_empty_latent_channels np prepare_mask prepare_noise prepare_noise_orig "
        "prepare_sampling sample sample_custom"
    ),
    "comfy.sampler_helpers": "cleanup_additional_models convert_cond get_additional_models prepare_mask",
    "comfy.samplers": (
        "CFGGuider CFGNoisePredictor KSAMPLER KSAMPLER_NAMES KSampler KSamplerX0Inpaint SAMPLER_NAMES "
        "SCHEDULER_HANDLERS SCHEDULER_NAMES Sampler SchedulerHandler add_area_dims apply_empty_x_to_equal_area "
        "beta_scheduler calc_cond_batch calc_cond_uncond_batch calculate_sigmas calculate_start_end_timesteps "
        "can_concat_cond cast_to_load_options cast_transformer_options cfg_function cond_cat cond_equal_size "
        "create_cond_with_same_area_if_none ddim_scheduler encode_model_conds filter_registered_hooks_on_conds "
        "finalize_default_conds get_area_and_mult get_mask_aabb get_total_hook_groups_in_conds k_diffusion_sampling "
        "kl_optimal_scheduler ksampler linear_quadratic_schedule normal_scheduler original_sample pre_run_control "
        "preprocess_conds_hooks process_conds resolve_areas_and_cond_masks resolve_areas_and_cond_masks_multidim "
        "sample sampler_object sampling_function simple_scheduler wrap_model"
    ),
    "comfy.sd": (
        "CLIP CLIPType StyleModel TEModel VAE detect_te_model llama_detect load_checkpoint "
        "load_checkpoint_guess_config load_clip load_controlnet load_diffusion_model load_diffusion_model_state_dict "
        "load_gligen load_lora_for_models load_state_dict_guess_config load_style_model load_text_encoder_state_dicts "
        "load_unet load_unet_state_dict model_detection model_detection_error_hint save_checkpoint t5xxl_detect"
    ),
    "comfy.sd1_clip": "SD1ClipModel",
    "comfy.sd3_clip": "",
    "comfy.sdxl_clip": "SDXLClipG SDXLClipModel SDXLRefinerClipModel SDXLTokenizer",
    "comfy.supported_models": (
        "Flux GenmoMochi HunyuanDiT SD15 SD20 SD3 SDXL SDXLRefiner SVD_img2vid models supported_models_base"
    ),
    "comfy.supported_models_base": "BASE",
    "comfy.t2i_adapter": "",
    "comfy.taesd": "",
    "comfy.taesd.taehv": "",
    "comfy.taesd.taesd": "Block Clamp conv",
    "comfy.text_encoders": "",
    "comfy.text_encoders.sd3_clip": "SD3ClipModel SD3Tokenizer T5XXLModel",
    "comfy.utils": (
        "PROGRESS_BAR_ENABLED PROGRESS_BAR_HOOK ProgressBar TRANSFORMER_BLOCKS UNET_MAP_ATTENTIONS UNET_MAP_BASIC "
        "UNET_MAP_RESNET auraflow_to_diffusers bislerp calculate_parameters clip_text_transformers_convert "
        "common_upscale convert_sd_to copy_to_param detect_layer_quantization flux_to_diffusers get_attr "
        "get_tiled_scale_steps lanczos load_torch_file mmdit_to_diffusers model_trange pack_latents "
        "pixart_to_diffusers repeat_to_batch_size reshape_mask resize_list_to_batch_size resize_to_batch_size "
        "safetensors_header save_torch_file set_attr set_attr_buffer set_attr_param set_progress_bar_enabled "
        "set_progress_bar_global_hook state_dict_key_replace state_dict_prefix_replace string_to_seed tiled_scale "
        "tiled_scale_multidim transformers_convert unet_to_diffusers unpack_latents unpickle_torch_file "
        "upscale_dit_mask weight_dtype z_image_to_diffusers"
    ),
    "comfy.weight_adapter": (
        "BOFTAdapter GLoRAAdapter LoHaAdapter LoKrAdapter LoRAAdapter OFTAdapter WeightAdapterBase adapters"
    ),
    "comfy_api.feature_flags": "get_connection_feature get_server_features supports_feature",
    "comfy_api.input": "AudioInput ImageInput LatentInput MaskInput VideoInput",
    "comfy_api.input_impl": "VideoFromComponents VideoFromFile",
    "comfy_api.latest": "ComfyAPI ComfyAPISync ComfyExtension Input InputImpl Types comfy_io io ui",
    "comfy_api.torch_helpers": "set_torch_compile_wrapper",
    "comfy_api.util": "VideoCodec VideoComponents VideoContainer",
    "comfy_execution.caching": (
        "BasicCache CacheKeySet CacheKeySetID CacheKeySetInputSignature HierarchicalCache LRUCache "
        "include_unique_id_in_input"
    ),
    "comfy_execution.graph": (
        "DependencyCycleError DynamicPrompt ExecutionBlocker ExecutionList NodeInputError NodeNotFoundError "
        "TopologicalSort get_input_info"
    ),
    "comfy_execution.graph_utils": "ExecutionBlocker GraphBuilder Node add_graph_prefix is_link",
    "comfy_execution.progress": (
        "CLIProgressHandler NodeProgressState NodeState ProgressHandler ProgressRegistry WebUIProgressHandler "
        "add_progress_handler get_progress_state reset_progress_state"
    ),
    "comfy_execution.utils": "CurrentNodeContext ExecutionContext get_executing_context",
    "comfy_execution.validation": "validate_node_input",
    "comfy_extras.chainner_models.model_loading": "load_state_dict",
    "comfy_extras.nodes_align_your_steps": "AlignYourStepsScheduler",
    "comfy_extras.nodes_clip_sdxl": "CLIPTextEncodeSDXL CLIPTextEncodeSDXLRefiner",
    "comfy_extras.nodes_compositing": "JoinImageWithAlpha",
    "comfy_extras.nodes_custom_sampler": (
        "BasicGuider BasicScheduler Guider_Basic Noise_EmptyNoise Noise_RandomNoise SamplerCustom SamplerCustomAdvanced"
    ),
    "comfy_extras.nodes_differential_diffusion": "DifferentialDiffusion",
    "comfy_extras.nodes_flux": "FluxGuidance",
    "comfy_extras.nodes_gits": "GITSScheduler",
    "comfy_extras.nodes_hooks": "CreateHookModelAsLora SetClipHooks",
    "comfy_extras.nodes_latent": "LatentBatch",
    "comfy_extras.nodes_lt": "LTXVAddGuide _append_guide_attention_entry get_noise_mask",
    "comfy_extras.nodes_mask": "GrowMask LatentCompositeMasked composite",
    "comfy_extras.nodes_model_advanced": (
        "LCM ModelSamplingAuraFlow ModelSamplingDiscreteDistilled ModelSamplingFlux rescale_zero_terminal_snr_sigmas"
    ),
    "comfy_extras.nodes_model_merging": "CheckpointSave",
    "comfy_extras.nodes_perpneg": "Guider_PerpNeg",
    "comfy_extras.nodes_stable3d": "camera_embeddings",
    "comfy_extras.nodes_upscale_model": "ImageUpscaleWithModel UpscaleModelLoader",
    "comfyui_version": "__version__",
    "execution": (
        "CacheSet CacheType DuplicateNodeError ExecutionResult IsChangedCache MAXIMUM_HISTORY_SIZE PromptExecutor "
        "PromptQueue SENSITIVE_EXTRA_DATA_KEYS _async_map_node_over_list execute format_value full_type_name "
        "get_input_data get_output_data interrupt_processing map_node_over_list merge_result_data nodes "
        "validate_inputs validate_prompt"
    ),
    "folder_paths": (
        "CacheHelper add_model_folder_path annotated_filepath base_path cache_helper cached_filename_list_ "
        "exists_annotated_filepath extension_mimetypes_cache filename_list_cache filter_files_content_types "
        "filter_files_extensions folder_names_and_paths get_annotated_filepath get_directory_by_type "
        "get_filename_list get_filename_list_ get_folder_paths get_full_path get_full_path_or_raise "
        "get_input_directory get_input_subfolders get_output_directory get_save_image_path get_temp_directory "
        "get_user_directory input_directory map_legacy models_dir output_directory recursive_search "
        "set_input_directory set_output_directory set_temp_directory set_user_directory supported_pt_extensions "
        "temp_directory user_directory"
    ),
    "latent_preview": (
        "Latent2RGBPreviewer LatentPreviewMethod LatentPreviewer MAX_PREVIEW_RESOLUTION TAESD TAESDPreviewerImpl "
        "default_preview_method get_previewer prepare_callback preview_to_image set_preview_method"
    ),
    "node_helpers": "conditioning_set_values hasher image_alpha_fix pillow string_to_torch_dtype",
    "nodes": (
        "CLIPLoader CLIPSetLastLayer CLIPTextEncode CLIPVisionLoader CheckpointLoaderSimple ConditioningAverage "
        "ConditioningCombine ConditioningConcat ConditioningSetMask ConditioningSetTimestepRange ConditioningZeroOut "
        "ControlNetApply ControlNetApplyAdvanced ControlNetLoader DiffusersLoader DualCLIPLoader EXTENSION_WEB_DIRS "
        "EmptyLatentImage ImageBatch ImageScale ImageScaleBy InpaintModelConditioning KSampler KSamplerAdvanced "
        "LOADED_MODULE_DIRS LatentComposite LatentFromBatch LatentUpscaleBy LoadImage LoraLoader MAX_RESOLUTION "
        "NODE_CLASS_MAPPINGS NODE_DISPLAY_NAME_MAPPINGS PreviewImage RepeatLatentBatch SaveImage SaveLatent "
        "UNETLoader VAEDecode VAEDecodeTiled VAEEncode VAEEncodeForInpaint VAEEncodeTiled VAELoader VHSLoadFormats "
        "before_node_execution comfy common_ksampler folder_paths get_module_name init_builtin_extra_nodes "
        "init_external_custom_nodes init_extra_nodes interrupt_processing json load_custom_node node_helpers np os "
        "sys torch unCLIPCheckpointLoader"
    ),
    "server": "BinaryEventTypes PromptServer get_comfyui_version send_socket_catch_exception uuid web",
}

_PREFIXES = frozenset(
    ".".join(parts[:end]) for parts in (name.split(".") for name in SURFACE) for end in range(1, len(parts) + 1)
)


def is_known_module(name: str) -> bool:
    """Whether the host has a module or package of this dotted name."""
    return name in _PREFIXES
