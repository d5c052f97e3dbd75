"""Networks put together from the tensors of a file, one kind of network a module."""
