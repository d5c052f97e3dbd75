"""Model families: how each kind of network is called and what conditioning it understands. One family a file."""
