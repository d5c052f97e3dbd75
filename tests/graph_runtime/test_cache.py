"""What each policy keeps, and that the bound in bytes holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.cache import Cache, Entry
from graph_runtime.sizes import blobs


class Blob:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


def entry(*values: Any, owner: bytes | None = None) -> Entry:
    return Entry([[value] for value in values], owner=owner)


def run(cache: Cache, *keys: bytes) -> list[bytes]:
    """Run nodes with these keys; returns those that were computed."""
    cache.begin(keys)
    computed = [key for key in keys if cache.get(key) is None]
    for key in computed:
        cache.put(key, entry(key))
    return computed


def test_classic_keeps_what_consecutive_runs_contain() -> None:
    cache = Cache.classic()

    assert [run(cache, *keys) for keys in [(b"a", b"b"), (b"a",), (b"a", b"b")]] == [[b"a", b"b"], [], [b"b"]]


def test_classic_keeps_inner_results_as_long_as_their_owner() -> None:
    cache = Cache.classic()
    cache.begin([b"p"])
    cache.put(b"p", entry(1))
    cache.put(b"inner", entry(1, owner=b"p"))

    cache.begin([b"p"])
    assert b"inner" in cache
    cache.begin([b"q"])
    assert b"inner" not in cache and len(cache) == 0


def test_lru_keeps_results_of_earlier_runs_and_always_those_of_the_current_one() -> None:
    cache = Cache.lru(3)

    assert run(cache, b"a", b"b") == [b"a", b"b"]
    assert run(cache, b"c", b"d", b"e", b"f") == [b"c", b"d", b"e", b"f"]
    assert run(cache, b"c") == []
    assert len(cache) == 3
    assert run(cache, b"a") == [b"a"]


def test_none_keeps_nothing() -> None:
    cache = Cache.none()

    assert run(cache, b"a") == run(cache, b"a") == [b"a"]


def test_bytes_drops_the_least_recently_used_first() -> None:
    cache = Cache(100)
    cache.put(b"a", entry(Blob(40)))
    cache.put(b"b", entry(Blob(40)))
    cache.get(b"a")
    cache.put(b"c", entry(Blob(40)))

    assert (b"a" in cache, b"b" in cache, b"c" in cache) == (True, False, True)
    assert cache.nbytes == 80


def test_what_many_runs_have_not_used_goes_and_what_they_use_stays() -> None:
    cache = Cache(10**9, max_runs=3)
    assert run(cache, b"model", b"first") == [b"model", b"first"]
    for number in range(3):
        assert run(cache, b"model", b"%d" % number) == [b"%d" % number]
    assert b"first" in cache
    run(cache, b"model")

    assert b"first" not in cache and b"model" in cache and b"0" in cache
    eviction = cache.eviction(b"first")
    assert eviction is not None and eviction.reason == "the last 3 runs did not use it"


def test_what_is_larger_than_the_cache_is_not_kept_and_evicts_nothing() -> None:
    cache = Cache(100)
    cache.put(b"a", entry(Blob(40)))

    cache.put(b"b", entry(Blob(101)))

    assert b"a" in cache and b"b" not in cache
    eviction = cache.eviction(b"b")
    assert eviction is not None and eviction.nbytes == 101 and "larger than the whole cache" in eviction.reason


def test_a_buffer_that_results_share_counts_once() -> None:
    cache, shared = Cache(100), Blob(60)
    cache.put(b"a", entry(shared))
    cache.put(b"b", entry([shared, shared], {"again": shared}))

    assert cache.nbytes == 60 and len(cache) == 2


def test_evictions_are_remembered_with_time_size_and_reason() -> None:
    cache = Cache(50, now=lambda: 1234.5)
    cache.put(b"a", entry(Blob(40)))
    cache.put(b"b", entry(Blob(40)))

    eviction = cache.eviction(b"a")
    assert eviction is not None
    assert (eviction.at, eviction.nbytes, eviction.reason) == (1234.5, 40, "the cache was full (50 bytes)")
    assert cache.eviction(b"b") is None and cache.eviction(None) is None


def test_results_without_a_key_are_not_kept() -> None:
    cache = Cache()
    cache.put(None, entry(1))

    assert len(cache) == 0 and cache.get(None) is None


@given(
    st.integers(0, 200),
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), st.integers(0, 120), st.booleans()), max_size=40
    ),
)
def test_the_bound_holds_whatever_is_put(bound: int, steps: list[tuple[bytes, int, bool]]) -> None:
    cache = Cache(bound)
    for key, size, ask in steps:
        if ask:
            cache.get(key)
        else:
            cache.put(key, entry(Blob(size)))
        kept = sum(entry.nbytes for entry in cache._entries.values())
        assert cache.nbytes == kept <= bound
    cache.clear()
    assert cache.nbytes == 0 and len(cache) == 0


@pytest.mark.parametrize(
    "make", [lambda: Cache(-1), lambda: Cache(policy="lru"), lambda: Cache(policy="lru", max_entries=-1)]
)
def test_senseless_bounds_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="max_"):
        make()


def test_sizes_come_from_nbytes_from_a_function_or_from_the_length() -> None:
    known = {"model": 7}

    sizes = [
        size
        for value in [
            Blob(5),
            [Blob(1), (Blob(2),)],
            {"a": Blob(3)},
            "x" * 2000,
            "short",
            5,
            None,
            object(),
            b"y" * 3000,
        ]
        for _, size in blobs(value)
    ]
    assert sorted(sizes) == [1, 2, 3, 5, 2000, 3000]
    assert [size for _, size in blobs("model", lambda item: known.get(item))] == []
    assert [size for _, size in blobs(Blob(5), lambda item: 70)] == [70]


def test_a_bottomless_value_is_measured_without_recursion() -> None:
    value: Any = Blob(9)
    for _ in range(50_000):
        value = [value]

    assert [size for _, size in blobs(value)] == [9]
    while isinstance(value, list):
        value = value.pop()
