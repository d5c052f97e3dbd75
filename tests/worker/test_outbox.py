"""Frames on their way out: order is kept, progress is thinned to the newest."""

import asyncio
import threading

import pytest

from graph_runtime.frames import FrameReader, read_frames
from worker.outbox import Outbox


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Writer:
    """Collects what is written, as a socket would carry it."""

    def __init__(self):
        self.reader = asyncio.StreamReader()

    def write(self, data):
        self.reader.feed_data(data)

    async def drain(self):
        pass


async def sent(outbox, writer=None):
    writer = writer or Writer()
    outbox.close()
    await outbox.pump(writer, lambda header: header)
    writer.reader.feed_eof()
    return FrameReader().feed(await writer.reader.read())


async def test_frames_leave_in_the_order_they_were_put():
    outbox = Outbox()
    for number in range(5):
        outbox.put({"n": number}, bytes([number]))

    assert await sent(outbox) == [({"n": number}, bytes([number])) for number in range(5)]


async def test_unsent_progress_is_replaced_by_the_newer():
    outbox = Outbox(interval=10)
    for value in range(1, 100):
        outbox.put_newest(("node", "3"), {"value": value})

    assert await sent(outbox) == [({"value": 99}, b"")]


async def test_progress_held_back_leaves_before_the_event_that_follows_it():
    outbox = Outbox(interval=10)
    outbox.put({"event": "started"})
    outbox.put_newest(("a",), {"value": 1})
    outbox.put_newest(("b",), {"value": 2})
    outbox.put({"event": "finished"})

    frames = [header for header, _ in await sent(outbox)]

    assert frames == [{"event": "started"}, {"value": 1}, {"value": 2}, {"event": "finished"}]


async def test_progress_is_sent_at_most_once_an_interval():
    clock, outbox, writer = Clock(), Outbox(interval=0.05, clock=lambda: clock()), Writer()
    clock.now = 0.0
    pump = asyncio.create_task(outbox.pump(writer, lambda header: header))
    outbox.put_newest(("a",), {"value": 1})
    frames = read_frames(writer.reader)
    clock.now = 0.01
    await asyncio.wait_for(anext(frames), 1)

    outbox.put_newest(("a",), {"value": 2})
    outbox.put_newest(("a",), {"value": 3})
    await asyncio.sleep(0.01)
    assert not writer.reader._buffer

    clock.now = 0.07
    assert (await asyncio.wait_for(anext(frames), 1))[0] == {"value": 3}
    outbox.close()
    await pump


async def test_a_picture_leaves_with_the_progress_it_belongs_to():
    clock, outbox, writer = Clock(), Outbox(clock=lambda: clock()), Writer()
    pump = asyncio.create_task(outbox.pump(writer, lambda header: header))
    outbox.put_newest(("progress",), {"step": 1})
    await asyncio.sleep(0.01)  # the writer has looked; by the clock, no time has passed
    outbox.put_newest(("picture",), {"picture": 1}, b"blob")
    assert not writer.reader._buffer

    clock.now += 0.01
    frames = read_frames(writer.reader)
    received = [(await asyncio.wait_for(anext(frames), 1))[0] for _ in range(2)]

    assert received == [{"step": 1}, {"picture": 1}]
    outbox.close()
    await pump


async def test_what_happens_in_a_run_waits_for_company_and_leaves_with_what_does_not():
    clock, outbox, writer = Clock(), Outbox(clock=lambda: clock()), Writer()
    pump = asyncio.create_task(outbox.pump(writer, lambda header: header))
    for number in range(3):
        outbox.put({"n": number}, at_once=False)
    frames = read_frames(writer.reader)
    first = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0.01)
    assert not first.done()

    outbox.put({"n": 3})

    received = [(await asyncio.wait_for(first, 1))[0]] + [(await anext(frames))[0] for _ in range(3)]
    assert received == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    outbox.put({"n": 4}, at_once=False)
    clock.now += 1
    assert (await asyncio.wait_for(anext(frames), 1))[0] == {"n": 4}
    outbox.close()
    await pump


async def test_many_threads_may_put_frames():
    outbox, writer = Outbox(), Writer()
    pump = asyncio.create_task(outbox.pump(writer, lambda header: header))
    threads = [
        threading.Thread(target=lambda t=t: [outbox.put({"thread": t, "n": n}) for n in range(200)]) for t in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    outbox.close()
    await pump
    writer.reader.feed_eof()
    frames = [header for header, _ in FrameReader().feed(await writer.reader.read())]

    for t in range(4):
        assert [frame["n"] for frame in frames if frame["thread"] == t] == list(range(200))


@pytest.mark.filterwarnings("ignore")
async def test_a_value_that_is_not_json_is_sent_as_text_so_that_the_job_still_ends(caplog):
    outbox = Outbox()
    outbox.put({"t": "done", "outputs": {"9": {"thing": [object()]}}})

    ((header, _),) = await sent(outbox)

    assert header["t"] == "done"
    assert header["outputs"]["9"]["thing"][0].startswith("<object object")
    assert "cannot be written as JSON" in caplog.text
