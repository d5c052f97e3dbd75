/** Waypoints: where a link is led around things. Each names the one before it, towards the source. */
import { change, type Diff, NO_CHANGE, squash } from "./diff";
import { isLink, type Pair, type Waypoint, type WorkflowDocument } from "./document";
import { moveNodes } from "./edits";
import type { InputEnd } from "./links";

type Waypoints = readonly Waypoint[];

/** The waypoints of each link by its target, from the source on; links without any are left out. */
export function routes(waypoints: Waypoints): ReadonlyMap<string, Waypoints> {
  const byId = new Map(waypoints.map((each) => [each.id, each]));
  const found = new Map<string, Waypoints>();
  for (const last of waypoints) {
    const chain: Waypoint[] = [];
    for (let at: Waypoint | undefined = last; at && !chain.includes(at); at = at.after === undefined ? undefined : byId.get(at.after)) chain.unshift(at);
    for (const [node, input] of last.links ?? []) found.set(routeKey({ node, input }), chain);
  }
  return found;
}

export function routeKey({ node, input }: InputEnd): string {
  return JSON.stringify([node, input]);
}

function without(waypoint: Waypoint, end: InputEnd): Waypoint {
  const { links, ...rest } = waypoint;
  const kept = links?.filter(([node, input]) => node !== end.node || input !== end.input) ?? [];
  return kept.length ? { ...rest, links: kept } : rest;
}

function stored(document: WorkflowDocument, waypoints: Waypoints): Diff {
  return change(document, { reroutes: waypoints.length ? waypoints : undefined });
}

/** A new waypoint on one link, `at` places after its source. */
export function addWaypoint(document: WorkflowDocument, end: InputEnd, pos: Pair, at: number, id: string): Diff {
  const waypoints = document.layout.reroutes ?? [];
  const chain = routes(waypoints).get(routeKey(end)) ?? [];
  const before = chain[at - 1];
  const follower = chain[at];
  const place: Pair = [Math.round(pos[0]), Math.round(pos[1])];
  if (!follower) {
    const fresh: Waypoint = { id, pos: place, ...(before ? { after: before.id } : {}), links: [[end.node, end.input]] };
    return stored(document, [...waypoints.map((each) => (each === before ? without(each, end) : each)), fresh]);
  }
  const fresh: Waypoint = { id, pos: place, ...(follower.after === undefined ? {} : { after: follower.after }) };
  return stored(document, [...waypoints.map((each) => (each === follower ? { ...each, after: id } : each)), fresh]);
}

export function moveWaypoints(document: WorkflowDocument, places: ReadonlyMap<string, Pair>): Diff {
  const next = (document.layout.reroutes ?? []).map((each): Waypoint => {
    const pos = places.get(each.id);
    return pos ? { ...each, pos: [Math.round(pos[0]), Math.round(pos[1])] } : each;
  });
  return stored(document, next);
}

/** Waypoints of links that run between these nodes only: they move along. */
export function waypointsAmong(document: WorkflowDocument, ids: ReadonlySet<string>): ReadonlyMap<string, Pair> {
  const places = new Map<string, Pair>();
  for (const [key, chain] of routes(document.layout.reroutes ?? [])) {
    const [node, input] = JSON.parse(key) as [string, string];
    const value = document.nodes[node]?.inputs[input];
    if (!ids.has(node) || !isLink(value) || !ids.has(value.link[0])) continue;
    for (const { id, pos } of chain) places.set(id, pos);
  }
  return places;
}

/** Moves nodes with the waypoints between them. */
export function movedTogether(document: WorkflowDocument, ids: ReadonlySet<string>, dx: number, dy: number): Diff {
  const led = new Map([...waypointsAmong(document, ids)].map(([id, [x, y]]): [string, Pair] => [id, [x + dx, y + dy]]));
  const nodes = moveNodes(document, ids, dx, dy);
  return led.size ? squash(nodes, moveWaypoints(document, led)) : nodes;
}

/** Takes a waypoint away; links that went through it go on to the one before it. */
export function removeWaypoint(document: WorkflowDocument, id: string): Diff {
  const waypoints = document.layout.reroutes ?? [];
  const gone = waypoints.find((each) => each.id === id);
  if (!gone) return NO_CHANGE;
  const kept = waypoints.flatMap((each): Waypoint[] => {
    if (each === gone) return [];
    if (each.id === gone.after && gone.links?.length) return [{ ...each, links: [...(each.links ?? []), ...gone.links] }];
    if (each.after !== gone.id) return [each];
    const { after: _after, ...rest } = each;
    return [gone.after === undefined ? rest : { ...rest, after: gone.after }];
  });
  return stored(document, kept);
}

/** Takes away what leads links that no longer exist. */
export function pruneWaypoints(document: WorkflowDocument): Diff {
  const waypoints = document.layout.reroutes;
  if (!waypoints?.length) return NO_CHANGE;
  let kept = waypoints.map((each) => (each.links ?? []).reduce((all, [node, input]) => (isLink(document.nodes[node]?.inputs[input]) ? all : without(all, { node, input })), each));
  for (let before = -1; before !== kept.length; ) {
    before = kept.length;
    const led = new Set(kept.map(({ after }) => after));
    kept = kept.filter((each) => each.floating !== undefined || each.links?.length || led.has(each.id));
  }
  return stored(document, kept);
}
