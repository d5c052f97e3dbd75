"""What runs, from which cache, in which order: laziness, expansion, loops, async nodes (protocol §4.2–§4.5, §4.8)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, Graph, node


def fresh() -> str:
    """A text that nobody used before."""
    return uuid.uuid4().hex


async def calls(client: Client) -> list[list[Any]]:
    """What was called since the last time."""
    return list((await client.run({"c": node("ProbeCalls")}))["outputs"]["c"]["calls"])


def cached(entry: dict[str, Any]) -> list[str]:
    """Nodes whose results were known at the start."""
    return sorted(entry["status"]["messages"][1][1]["nodes"])


async def test_nodes_that_feed_nothing_selected_do_not_run(client: Client) -> None:
    graph = {
        "1": node("ProbeText", text=fresh()),
        "2": node("ProbeText", text=fresh()),
        "3": node("ProbeShow", value=["1", 0]),
    }
    await calls(client)

    await client.run(graph)

    assert await calls(client) == [["Text", graph["1"]["inputs"]["text"]]]


async def test_only_the_chosen_branch_runs(client: Client) -> None:
    a, b = fresh(), fresh()
    graph = {
        "1": node("ProbeText", text=a),
        "2": node("ProbeText", text=b),
        "3": node("ProbeChoose", first=False, a=["1", 0], b=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
    }
    await calls(client)
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    assert await calls(client) == [["Text", b]]
    executing = [item["data"]["node"] for item in heard if item["type"] == "executing"]
    assert executing == ["3", "2", "3", "4", None]


async def test_a_schema_node_chooses_lazily(client: Client) -> None:
    graph = {
        "1": node("ProbeText", text=fresh()),
        "2": node("ProbeFail", message="not wanted"),
        "3": node("SchemaLazy", first=True, a=["1", 0], b=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
    }

    assert await client.shown(graph, "4") == [repr(graph["1"]["inputs"]["text"])]


async def test_unconnected_lazy_inputs_are_not_passed(client: Client) -> None:
    graph = {"3": node("ProbeChoose", first=True, a="literal"), "4": node("ProbeShow", value=["3", 0])}

    assert await client.shown(graph, "4") == ["'literal'"]


async def test_asking_for_a_lazy_input_that_is_not_there_fails(client: Client) -> None:
    data = await client.failure({"1": node("ProbeAsksWrongly")})

    assert (data["node_id"], "'a'" in data["exception_message"]) == ("1", True)


async def test_a_node_expands_into_others(client: Client) -> None:
    text = fresh()
    graph = {"1": node("ProbeGrow", text=text, times=2), "2": node("ProbeShow", value=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    assert entry["outputs"]["2"]["text"] == [repr(f"{text}01")]
    executing = [item["data"] for item in heard if item["type"] == "executing"][:-1]
    assert [data["display_node"] for data in executing] == ["1", "1", "1", "1", "2"]
    inner = [data["node"] for data in executing[1:4]]
    assert all(name.startswith("1.0.0.") for name in inner) and len(set(inner)) == 3
    nodes = [item for item in heard if item["type"] == "progress_state"][-1]["data"]["nodes"]
    state = nodes[inner[0]]
    assert (state["node_id"], state["display_node_id"], state["parent_node_id"], state["real_node_id"]) == (
        inner[0], "1", "1", "1",
    )  # fmt: skip
    assert all(state["state"] == "finished" for state in nodes.values())


async def test_an_unchanged_expansion_is_not_repeated(client: Client) -> None:
    graph = {"1": node("ProbeGrow", text=fresh(), times=3), "2": node("ProbeShow", value=["1", 0])}
    await client.run(graph)
    async with client.listen() as listener:
        job = await client.queue({**graph, "3": node("ProbeShowList", value=["1", 0])}, client_id=listener.sid)
        heard = await listener.run()

    assert cached(await client.finished(job)) == ["1", "2"]
    assert [item["data"]["node"] for item in heard if item["type"] == "executing"] == ["3", None]


async def test_lists_are_expanded_call_by_call(client: Client) -> None:
    graph = {
        "1": node("ProbeSplit", text="ab"),
        "2": node("ProbeGrow", text=["1", 0], times=1),
        "3": node("ProbeShowList", value=["2", 0]),
    }

    assert await client.shown(graph, "3") == ["['a0', 'b0']"]


async def test_outputs_inside_an_expansion_run_and_are_shown_where_they_say(client: Client) -> None:
    text = fresh()
    async with client.listen() as listener:
        job = await client.queue({"7": node("ProbeGrowShown", text=text, kind="show")}, client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    inner = next(name for name in entry["outputs"] if name != "7")
    assert inner == "7.0.0.inner"
    assert entry["outputs"][inner] == {"text": [repr(text)]}
    assert entry["meta"][inner] == {"node_id": inner, "display_node": "7", "parent_node": "7", "real_node_id": "7"}
    (shown,) = [item["data"] for item in heard if item["type"] == "executed"]
    assert (shown["node"], shown["display_node"]) == (inner, "7")


async def test_a_failure_inside_an_expansion_is_told_of_its_root(client: Client) -> None:
    graph = {"7": node("ProbeGrowShown", text=fresh(), kind="fail"), "8": node("ProbeShow", value=["7", 0])}

    data = await client.failure(graph)

    assert (data["node_id"], data["node_type"]) == ("7", "ProbeGrowShown")
    assert data["exception_message"].startswith("inside\n")


@pytest.mark.parametrize(
    ("kind", "words", "exception"),
    [
        ("cycle", "Dependency cycle detected", "graph.DependencyCycleError"),
        ("twice", "exists already", None),
        ("unknown", "NoSuchNode", None),
        ("endless", "expansions added", None),
    ],
)
async def test_a_bad_expansion_fails_clearly_and_the_server_lives(
    client: Client, kind: str, words: str, exception: str | None
) -> None:
    queued = asyncio.create_task(client.failure({"7": node("ProbeGrowShown", text="x", kind=kind)}))
    if kind == "endless":
        await asyncio.sleep(0.3)
        await client.get("/queue")

    data = await queued

    assert words in data["exception_message"]
    assert data["node_id"] == "7"
    assert exception in (None, data["exception_type"])
    assert await client.shown({"1": node("ProbeShow", value="fine")}, "1") == ["'fine'"]


async def test_an_exception_without_a_text_fails_its_node_only(client: Client) -> None:
    data = await client.failure({"1": node("ProbeFailMute", how="raise")})

    assert "whose text cannot be made" in data["exception_message"]
    assert data["exception_type"].endswith(".Mute")


async def test_a_node_that_ends_the_program_fails_alone(client: Client) -> None:
    data = await client.failure({"1": node("ProbeFailMute", how="exit")})

    assert (data["exception_type"], data["exception_message"]) == ("SystemExit", "3\n")


async def test_what_cannot_be_written_is_described(client: Client) -> None:
    said = await client.shown({"1": node("ProbeFailMute", how="show")}, "1")

    assert said == ["<Mute, whose text cannot be made: RuntimeError>", "said"]


async def test_loops_are_built_from_expansions(client: Client) -> None:
    text = fresh()
    graph = {
        "1": node("ProbeLoopOpen", left=4, value=text),
        "2": node("ProbeJoin", a=["1", 2], b="+"),
        "3": node("ProbeLoopClose", flow=["1", 0], left=["1", 1], value=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
    }

    assert await client.shown(graph, "4") == [repr(f"{text}++++")]


async def test_a_schema_node_expands(client: Client) -> None:
    graph = {"1": node("SchemaGrow", text="inner", either=1.5), "2": node("ProbeShow", value=["1", 0])}

    assert await client.shown(graph, "2") == ["'inner'"]


async def test_results_survive_other_ids_and_titles(client: Client) -> None:
    text = fresh()
    await client.run({"1": node("ProbeText", text=text), "2": node("ProbeShow", value=["1", 0])})

    renamed: Graph = {
        "20": {**node("ProbeShow", value=["10", 0]), "_meta": {"title": "New"}},
        "10": node("ProbeText", text=text),
    }

    assert cached(await client.run(renamed)) == ["10", "20"]


async def test_results_are_dropped_when_a_prompt_does_not_need_them(client: Client) -> None:
    graph = {"1": node("ProbeText", text=fresh()), "2": node("ProbeShow", value=["1", 0])}
    await client.run(graph)
    await client.run({"1": node("ProbeShow", value=fresh())})

    assert cached(await client.run(graph)) == []


async def test_every_literal_counts_even_an_undeclared_one(client: Client) -> None:
    graph = {"1": node("ProbeText", text=fresh(), extra=1), "2": node("ProbeShow", value=["1", 0])}
    await client.run(graph)
    graph["1"]["inputs"]["extra"] = 2

    assert cached(await client.run(graph)) == []


async def test_a_change_of_the_layout_runs_nothing_again(client: Client) -> None:
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=uuid.uuid4().int % 2**24),
        "2": node("SaveImage", images=["1", 0], filename_prefix="layout"),
    }
    first = await client.run(graph, extra_data={"extra_pnginfo": {"workflow": {"v": 1}}})

    second = await client.run(graph, extra_data={"extra_pnginfo": {"workflow": {"v": 2}}})

    assert cached(second) == ["1", "2"]
    assert second["outputs"] == first["outputs"]


async def test_nodes_that_are_not_idempotent_share_nothing(client: Client) -> None:
    graph = {"1": node("ProbeUnique"), "2": node("ProbeUnique"), "3": node("ProbePlain", a=0, x=["1", 0], y=["2", 0])}
    await client.post("/free", {"free_memory": True})
    await calls(client)

    await client.run(graph)

    assert await calls(client) == [["Unique"], ["Unique"]]


@pytest.mark.parametrize(
    ("mode", "again"), [("same", False), ("true", False), ("new", True), ("nan", True), ("raises", True)]
)
async def test_a_change_token_decides_whether_a_node_runs_again(client: Client, mode: str, again: bool) -> None:
    graph = {
        "1": node("ProbeText", text=fresh()),
        "2": node("ProbeChanging", mode=mode, linked=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
    }
    await client.run(graph)

    entry = await client.run(graph)

    assert cached(entry) == (["1"] if again else ["1", "2", "3"])
    assert "is_changed" not in entry["prompt"][2]["2"]
    shown = await client.run({"c": node("ProbeCalls")})
    assert shown["outputs"]["c"]["asked"] == [[mode, None, "2"], [mode, None, "2"]]


async def test_instances_keep_their_state_while_their_id_stays(client: Client) -> None:
    def graph(salt: int) -> Graph:
        return {"count": node("ProbeCount", salt=salt), "2": node("ProbeShow", value=["count", 0])}

    await client.run({"1": node("ProbeShow", value=fresh())})
    assert [await client.shown(graph(salt), "2") for salt in (1, 2, 3)] == [["1"], ["2"], ["3"]]

    await client.run({"1": node("ProbeShow", value=fresh())})
    assert await client.shown(graph(4), "2") == ["1"]


async def test_results_of_a_failed_prompt_are_kept(client: Client) -> None:
    text = fresh()
    await client.failure(
        {
            "1": node("ProbeText", text=text),
            "2": node("ProbeFail", message="no", value=["1", 0]),
            "3": node("ProbeShow", value=["2", 0]),
        }
    )

    entry = await client.run({"1": node("ProbeText", text=text), "3": node("ProbeShow", value=["1", 0])})

    assert cached(entry) == ["1"]


async def test_an_error_names_what_was_cached_at_the_start(client: Client) -> None:
    graph = {"1": node("ProbeText", text=fresh()), "2": node("ProbeShow", value=["1", 0])}
    await client.run(graph)

    data = await client.failure(
        {**graph, "3": node("ProbeFail", message="no", value=["1", 0]), "4": node("ProbeShow", value=["3", 0])}
    )

    assert sorted(data["current_outputs"]) == ["1", "2"]


async def test_list_items_of_an_async_node_run_together(client: Client) -> None:
    graph = {
        "1": node("ProbeSplit", text=fresh()[:10]),
        "2": node("ProbeWait", seconds=0.5, value=["1", 0]),
        "3": node("ProbeShowList", value=["2", 0]),
    }
    loop = asyncio.get_running_loop()
    started = loop.time()

    shown = await client.shown(graph, "3")

    assert shown == [repr(list(graph["1"]["inputs"]["text"]))]
    assert loop.time() - started < 2.0


async def test_a_failing_async_node_ends_the_run_though_others_wait(client: Client) -> None:
    graph = {
        "1": node("ProbeWait", seconds=30.0, value=fresh()),
        "2": node("ProbeWait", seconds=0.1, value=fresh(), fail=True),
        "3": node("ProbeShow", value=["1", 0]),
        "4": node("ProbeShow", value=["2", 0]),
    }

    data = await client.failure(graph)

    assert (data["node_id"], data["exception_type"]) == ("2", "RuntimeError")


async def test_async_schema_nodes_give_lists(client: Client) -> None:
    graph = {"1": node("SchemaLater", seconds=0.05), "2": node("ProbeShowList", value=["1", 0])}

    assert await client.shown(graph, "2") == ["[0.05, 0.05]"]


async def test_two_clients_hear_only_of_their_own_progress(client: Client) -> None:
    def slow() -> Graph:
        return {"1": node("ProbeSleep", seconds=0.3, value=fresh()), "2": node("ProbeShow", value=["1", 0])}

    async with client.listen() as one, client.listen() as other:
        jobs = [await client.queue(slow(), client_id=who.sid) for who in (one, other)]
        await one.run()
        await other.run()

    for who, job in zip((one, other), jobs, strict=True):
        told = {item["data"]["prompt_id"] for item in who.heard if "prompt_id" in item["data"]}
        assert told == {job}
