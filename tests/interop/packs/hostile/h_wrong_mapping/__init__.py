NODE_CLASS_MAPPINGS = ["a", "list"]
