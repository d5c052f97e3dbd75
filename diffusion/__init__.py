"""The model library: families, loading, text encoding, denoisers, schedules, samplers, autoencoders.

Importing this package imports no torch; its modules do. It knows nothing of graphs or nodes.
"""
