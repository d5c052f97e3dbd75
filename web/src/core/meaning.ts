/** What of a document decides its results. */
import type { NodeRecord, WorkflowDocument } from "./document";
import { stringifyJson } from "./json";

function meant([id, node]: readonly [string, NodeRecord]) {
  const moving = new Set(Object.entries(node.controls ?? {}).flatMap(([input, control]) => (control === "fixed" ? [] : [input])));
  const inputs = Object.entries(node.inputs).filter(([input]) => !moving.has(input));
  return [id, node.type, node.mode ?? "", inputs];
}

/** The same text for documents that differ only in looks, or in seeds that move by themselves. */
export function meaningOf({ nodes, definitions }: Pick<WorkflowDocument, "nodes" | "definitions">): string {
  const inside = Object.entries(definitions ?? {}).map(([id, { nodes: own = {}, inputs, outputs }]) => [id, inputs, outputs, Object.entries(own).map(meant)]);
  return stringifyJson([Object.entries(nodes).map(meant), inside]);
}
