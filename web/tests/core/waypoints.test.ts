import { describe, expect, it } from "vitest";
import { apply } from "../../src/core/diff";
import { isLink } from "../../src/core/document";
import { disconnect } from "../../src/core/links";
import { addWaypoint, movedTogether, pruneWaypoints, removeWaypoint, routeKey, routes } from "../../src/core/waypoints";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const [target, input] = Object.entries(DEFAULT_WORKFLOW.nodes).flatMap(([id, node]) => Object.entries(node.inputs).flatMap(([name, value]) => (isLink(value) ? [[id, name] as const] : [])))[0]!;
const end = { node: target, input };
const three = ["a", "b", "c"].reduce((document, id, at) => apply(document, addWaypoint(document, end, [at * 10, 5], at, id)), DEFAULT_WORKFLOW);
const idsOf = (document = three) => (routes(document.layout.reroutes ?? []).get(routeKey(end)) ?? []).map(({ id }) => id);

describe("waypoints", () => {
  it("follow each other from the source to the target", () => {
    expect(idsOf()).toEqual(["a", "b", "c"]);
  });

  it("are put between others", () => {
    expect(idsOf(apply(three, addWaypoint(three, end, [0, 0], 1, "x")))).toEqual(["a", "x", "b", "c"]);
    expect(idsOf(apply(three, addWaypoint(three, end, [0, 0], 0, "x")))).toEqual(["x", "a", "b", "c"]);
  });

  it("leave the rest of the way when one is removed", () => {
    expect(idsOf(apply(three, removeWaypoint(three, "b")))).toEqual(["a", "c"]);
    expect(idsOf(apply(three, removeWaypoint(three, "c")))).toEqual(["a", "b"]);
    expect(idsOf(apply(three, removeWaypoint(three, "a")))).toEqual(["b", "c"]);
  });

  it("go away with the link they lead", () => {
    const cut = apply(three, disconnect(three, CATALOGUE, [end]));
    expect(apply(cut, pruneWaypoints(cut)).layout.reroutes).toBeUndefined();
  });

  it("move along when both ends of their link move", () => {
    const moved = apply(three, movedTogether(three, new Set(Object.keys(three.nodes)), 100, 50));
    expect(moved.layout.reroutes!.map(({ pos }) => pos)).toEqual([[100, 55], [110, 55], [120, 55]]);
    expect(apply(three, movedTogether(three, new Set([target]), 100, 50)).layout.reroutes).toEqual(three.layout.reroutes);
  });
});
