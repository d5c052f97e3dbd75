"""The V3 schema API for packs: types, schemas, node classes, results, and the adapter to this engine's `NodeSpec`."""
