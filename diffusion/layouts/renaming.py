"""Translation of tensor names by tables of dotted prefixes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

Table = Mapping[str, str]  # original dotted prefix → our dotted prefix


def rename(name: str, table: Table) -> str | None:
    """The new name of a tensor: its longest dotted prefix that the table knows is replaced.

    Returns:
        None if no prefix is known.
    """
    end = len(name)
    while end > 0:
        prefix = name[:end]
        if prefix in table:
            return table[prefix] + name[end:]
        end = name.rfind(".", 0, end)
    return None


def reverse(table: Table) -> dict[str, str]:
    """The table that undoes another."""
    result = {new: old for old, new in table.items()}
    if len(result) != len(table):
        raise ValueError("a renaming table that sends two prefixes to one cannot be reversed")
    return result


def renamed(tensors: Mapping[str, Tensor], names: Iterable[str], table: Table, prefix: str = "") -> dict[str, Tensor]:
    """Tensors under their new names; names that the table does not know are left out.

    Args:
        prefix: what precedes the original names in the file, `model.diffusion_model.` for example.
    """
    result: dict[str, Tensor] = {}
    for name in names:
        if name.startswith(prefix):
            new = rename(name[len(prefix) :], table)
            if new is not None:
                result[new] = tensors[name]
    return result


__all__ = ["Table", "rename", "renamed", "reverse"]
