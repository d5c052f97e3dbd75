"""Full-size comparison with reference results: `make parity KEYS=… GOLDENS=… MODELS=…`."""
