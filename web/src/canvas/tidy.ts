/** Layered layout of nodes, from left to right along the links. */
import type { Pair } from "../core/document";
import type { Scene } from "./scene";

/** Positions for the given nodes, or for all; the top left corner of the whole stays where it was. */
export async function tidyPositions(scene: Scene, ids: ReadonlySet<string>): Promise<Map<string, Pair>> {
  const { Graph, layout } = await import("@dagrejs/dagre");
  const nodes = [...scene.nodes.values()].filter((node) => ids.size === 0 || ids.has(node.id));
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 36, ranksep: 80 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: node.w, height: node.h });
  for (const node of nodes)
    for (const { from } of node.links) if (graph.hasNode(from.id)) graph.setEdge(from.id, node.id);
  layout(graph);
  const left = Math.min(...nodes.map((node) => node.x));
  const top = Math.min(...nodes.map((node) => node.y));
  const placed = nodes.map((node): [string, Pair] => {
    const at = graph.node(node.id) as { x: number; y: number };
    return [node.id, [at.x - node.w / 2, at.y - node.h / 2]];
  });
  const dx = left - Math.min(...placed.map(([, pos]) => pos[0]));
  const dy = top - Math.min(...placed.map(([, pos]) => pos[1]));
  return new Map(placed.map(([id, [x, y]]) => [id, [Math.round(x + dx), Math.round(y + dy)]]));
}
