"""What the nodes of this pack have in common."""


class Anything(str):
    """A wildcard type: never unequal to anything."""

    def __ne__(self, other):
        return False


class Every(dict):
    """An input section that holds every name."""

    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return ("*",)


ANY = Anything("*")

calls = []
"""What was called, in order."""
