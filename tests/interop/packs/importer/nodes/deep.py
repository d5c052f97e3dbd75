import nodes

host = nodes.MAX_RESOLUTION
