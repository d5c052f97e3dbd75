"""From prompt to conditioning: weights, tokens, text encoders."""
