"""One process that runs workflows: catalogue, engine and device put together.

`python -m worker` speaks frames with the server; `worker.headless` does the same work without one.
"""
