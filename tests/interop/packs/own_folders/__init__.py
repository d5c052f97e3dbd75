"""Changes the host's tables of folders, in the ways packs do."""

import os

import folder_paths
from folder_paths import folder_names_and_paths, models_dir

folder_paths.add_model_folder_path("specimens", os.path.join(models_dir, "specimens"))
folder_names_and_paths["gguf"] = ([os.path.join(models_dir, "unet")], {".gguf"})
folder_names_and_paths["loras"][0].append(os.path.join(models_dir, "more_loras"))
folder_names_and_paths["loras"][1].add(".special")


class Lists:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"lora": (["None", *folder_paths.get_filename_list("loras")],)}}

    def run(self, lora):
        keys = ("specimens", "gguf", "loras")
        return {"ui": {"names": [folder_paths.get_filename_list(key) for key in keys]}}


NODE_CLASS_MAPPINGS = {"Lists": Lists}
