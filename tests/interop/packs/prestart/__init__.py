import os

SEEN = os.environ.pop("HEDDLE_SPECIMEN_PRESTARTUP", None)


class Seen:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def run(self):
        return (SEEN,)


NODE_CLASS_MAPPINGS = {"Seen": Seen}
