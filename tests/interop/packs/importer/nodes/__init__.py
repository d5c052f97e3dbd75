"""A package of the pack's own that has a host module's name."""

from . import deep

VALUE = deep.host
