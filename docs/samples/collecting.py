"""Many values at once, progress, and something to show."""

from graph_runtime.api import Context, Many, node


@node("longest", category="text", terminal=True)
def longest(texts: Many[str], ctx: Context) -> str:
    """Find the longest text, and show it on the node."""
    best = ""
    for done, text in enumerate(texts, start=1):
        best = max(best, text, key=len)
        ctx.progress(done, len(texts))
    ctx.show({"text": [best]})
    return best
