"""Arithmetic on pictures, masks and latents that needs no weights: filters, edges, compositing, batches.

Images are float32 [batch, height, width, channels], masks [batch, height, width], both in 0..1; latents and the
planes that filters work on are [batch, channels, height, width]. Nothing changes its arguments.
"""
