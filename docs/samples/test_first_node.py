"""A node is a function: call it."""

from first_node import repeat


def test_a_text_is_repeated() -> None:
    assert repeat("hello", times=3) == "hello hello hello"
