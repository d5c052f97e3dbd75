"""The small models that ship with the project; see docs/embedded-models.md."""
