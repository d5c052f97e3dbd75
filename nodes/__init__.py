"""The built-in nodes: thin adapters from graph_runtime's declaration to `diffusion`, one module a family.

Declaring them imports no torch; the functions import it, through `diffusion`, when they run.
"""
