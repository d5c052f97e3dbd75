"""The bytes between server and worker."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.frames import BadFrame, FrameReader, encode, encode_together, read_frames

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
frames = st.lists(st.tuples(st.dictionaries(st.text(), json_values, max_size=4), st.binary(max_size=64)), max_size=5)


@given(frames, st.integers(1, 40))
def test_frames_survive_being_cut_into_pieces_of_any_size(sent, size):
    stream = b"".join(encode(header, blob) for header, blob in sent)
    reader = FrameReader()

    received = [frame for i in range(0, len(stream), size) for frame in reader.feed(stream[i : i + size])]

    assert received == sent
    assert reader.pending == 0


def test_a_header_is_preceded_by_its_length_and_the_blobs_length():
    assert encode({"t": "run"}, b"xyz") == struct.pack(">II", 11, 3) + b'{"t":"run"}' + b"xyz"


def test_an_unpaired_surrogate_survives():
    assert FrameReader().feed(encode({"text": "\ud800"})) == [({"text": "\ud800"}, b"")]


def test_a_value_that_is_not_json_is_refused_with_the_frames_type():
    with pytest.raises(BadFrame, match="type 'event' cannot be written as JSON"):
        encode({"t": "event", "value": object()})


def test_a_header_nested_too_deeply_is_refused_and_not_a_crash():
    deep: object = []
    for _ in range(200_000):
        deep = [deep]

    with pytest.raises(BadFrame, match="cannot be written as JSON"):
        encode({"t": "run", "prompt": deep})
    while isinstance(deep, list) and deep:
        deep = deep.pop()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack(">II", 2**32 - 1, 0), "header has 4294967295 bytes"),
        (struct.pack(">II", 2, 2**32 - 1), "blob has 4294967295 bytes"),
        (struct.pack(">II", 3, 0) + b"{no", "is not JSON"),
        (struct.pack(">II", 2, 0) + b"[]", "is a JSON list, not an object"),
        (struct.pack(">II", 2, 0) + b"\xff\xff", "is not JSON"),
    ],
)
def test_bytes_that_are_no_frame_are_refused(data, message):
    with pytest.raises(BadFrame, match=message):
        FrameReader().feed(data)


async def test_reading_ends_when_the_other_side_closes_between_frames():
    reader = asyncio.StreamReader()
    reader.feed_data(encode({"t": "hello"}, b"!") + encode({"t": "ready"}))
    reader.feed_eof()

    received = [frame async for frame in read_frames(reader)]

    assert received == [({"t": "hello"}, b"!"), ({"t": "ready"}, b"")]


@pytest.mark.parametrize("kept", [1, 7, 8, 12, 20])
async def test_a_connection_that_ends_inside_a_frame_is_an_error(kept):
    reader = asyncio.StreamReader()
    reader.feed_data(encode({"t": "hello"}, b"0123456789")[:kept])
    reader.feed_eof()

    with pytest.raises(BadFrame, match="ended inside a frame"):
        [frame async for frame in read_frames(reader)]


def test_headers_that_travel_together_arrive_one_by_one_in_order():
    headers = [{"t": "event", "n": number} for number in range(5)]
    stream = encode({"t": "hello"}) + encode_together(headers) + encode({"t": "picture"}, b"blob")

    frames = FrameReader().feed(stream)

    assert frames == [({"t": "hello"}, b""), *((header, b"") for header in headers), ({"t": "picture"}, b"blob")]


def test_a_header_that_travels_alone_is_an_ordinary_frame():
    assert encode_together([{"t": "done"}]) == encode({"t": "done"})


def test_members_that_are_json_already_are_not_written_again():
    assert FrameReader().feed(encode({"t": "run"}, b"", prompt='{"1": {}}')) == [
        ({"t": "run", "prompt": {"1": {}}}, b"")
    ]
