/** Inputs with a value that are shown as plain sockets, and those that are shown with their control again. */
import { type Catalogue, findInput, isSocketOnly, visibleInputs } from "./catalogue";
import { apply, change, type Diff, NO_CHANGE, squash } from "./diff";
import { isLink, type Placement, type WorkflowDocument } from "./document";
import { disconnect } from "./links";

export type Shape = "control" | "socket" | "linked";

export function isPlainSocket(place: Placement | undefined, input: string): boolean {
  return place?.sockets?.includes(input) === true;
}

/** How an input with a value is shown now; null for one that is a socket by nature, or can be none. */
export function shapeOf(document: WorkflowDocument, catalogue: Catalogue, node: string, input: string): Shape | null {
  const record = document.nodes[node];
  const spec = findInput(catalogue[record?.type ?? ""], input);
  if (!record || !spec || isSocketOnly(spec) || spec.options["socketless"] === true) return null;
  if (isLink(record.inputs[input])) return "linked";
  return isPlainSocket(document.layout.nodes[node], input) ? "socket" : "control";
}

/** Every input of a node that can be shown either way. */
export function shapesOf(document: WorkflowDocument, catalogue: Catalogue, node: string): readonly { readonly input: string; readonly shape: Shape }[] {
  const spec = catalogue[document.nodes[node]?.type ?? ""];
  return (spec ? visibleInputs(spec) : []).flatMap(({ name }) => {
    const shape = shapeOf(document, catalogue, node, name);
    return shape === null ? [] : [{ input: name, shape }];
  });
}

/** Turns the control of an input into a socket that keeps its value, or a socket, linked or not, back into the control. */
export function toggleSocket(document: WorkflowDocument, catalogue: Catalogue, node: string, input: string): Diff {
  const shape = shapeOf(document, catalogue, node, input);
  if (shape === null) return NO_CHANGE;
  const unlinked = shape === "linked" ? disconnect(document, catalogue, [{ node, input }]) : NO_CHANGE;
  const { sockets = [], ...place } = document.layout.nodes[node] ?? { pos: [0, 0] as const };
  const next = shape === "control" ? [...sockets, input] : sockets.filter((name) => name !== input);
  const looks: Placement = next.length ? { ...place, sockets: next } : place;
  return squash(unlinked, change(apply(document, unlinked), { [`place:${node}`]: looks }));
}
