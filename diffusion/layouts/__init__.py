"""How published checkpoints name and shape their tensors, and what that tells about the network.

Each module reads one kind of network: it infers the configuration from names and shapes (never from file names) and
gives a table that translates the original names into those of diffusers or transformers, and back.
"""
