/** Subgraphs as the editor handles them: made of the selection, taken apart, and promoted widgets. */
import { INPUTS_NODE, NEW_SOCKET } from "../core/boundary";
import { type Catalogue, visibleInputs } from "../core/catalogue";
import { apply, change, type Diff, NO_CHANGE, squash } from "../core/diff";
import { type Definition, isLink, type SeedControl, type WorkflowDocument } from "../core/document";
import { connect, disconnect } from "../core/links";
import { lift, scopeOf, type Step } from "../core/scope";
import { makeSubgraph, unpackSubgraph } from "../core/subgraph";
import { removeSocket, unusedDefinitions } from "../core/subgraphSockets";
import type { Editor } from "./editor";

function freshTitle(definitions: Readonly<Record<string, Definition>>): string {
  const taken = new Set(Object.values(definitions).map(({ name }) => name));
  let name = "Subgraph";
  for (let count = 2; taken.has(name); count += 1) name = `Subgraph ${count}`;
  return name;
}

/** Puts the selection into a subgraph; says why when that cannot be. */
export function makeSubgraphOf(editor: Editor, name = freshTitle(editor.root.definitions ?? {})): void {
  const made = makeSubgraph(editor.document, editor.specs, editor.selection, editor.outside.freshId(), name);
  if (!made.ok) {
    editor.notify("error", "No subgraph was made", made.why);
    return;
  }
  editor.commit(made.diff, "Make subgraph");
  editor.select([made.id]);
}

export function unpackSelected(editor: Editor): void {
  const unpacked: string[] = [];
  for (const id of instancesIn(editor)) {
    const { diff, ids } = unpackSubgraph(editor.document, editor.specs, id);
    editor.commit(diff, "Unpack subgraph");
    unpacked.push(...ids);
  }
  editor.select(unpacked);
}

/** The selected nodes that are instances of a subgraph. */
export function instancesIn(editor: Editor): string[] {
  const definitions = editor.root.definitions ?? {};
  return [...editor.selection].filter((id) => definitions[editor.document.nodes[id]?.type ?? ""]);
}

/** The definition that a person works on: the one that is shown, or that of the only selected instance. */
export function definitionAtHand(editor: Editor): string | null {
  const shown = editor.path.at(-1)?.definition;
  if (shown !== undefined) return shown;
  const [only, ...more] = instancesIn(editor);
  return only !== undefined && more.length === 0 ? (editor.document.nodes[only]?.type ?? null) : null;
}

export interface InnerWidget {
  readonly node: string;
  readonly title: string;
  readonly input: string;
  readonly label: string;
  readonly promoted: boolean;
}

/** Every widget inside a definition, and whether the instances show it. */
export function innerWidgets(root: WorkflowDocument, catalogue: Catalogue, definition: string): InnerWidget[] {
  const scope = scopeOf(root, pathTo(definition));
  return Object.entries(scope.nodes).flatMap(([node, record]) => {
    const spec = catalogue[record.type];
    if (!spec) return [];
    return visibleInputs(spec).flatMap((input): InnerWidget[] => {
      const value = record.inputs[input.name];
      const promoted = isLink(value) && value.link[0] === INPUTS_NODE;
      if (!input.widget || (isLink(value) && !promoted)) return [];
      return [{ node, title: record.title ?? spec.display_name, input: input.name, label: input.label ?? input.name, promoted }];
    });
  });
}

/** Shows an inner widget on the instances, or takes it back inside with the value it has there. */
export function setPromoted(root: WorkflowDocument, catalogue: Catalogue, definition: string, { node, input, promoted }: InnerWidget): Diff {
  const path = pathTo(definition);
  const scope = scopeOf(root, path);
  if (!promoted) {
    const all = { ...catalogue, [INPUTS_NODE]: NEW_INPUTS };
    const diff = lift(root, path, connect(scope, all, { node: INPUTS_NODE, output: NEW_SOCKET }, { node, input }), catalogue);
    return withControl(root, diff, definition, scope.nodes[node]?.controls?.[input]);
  }
  const value = scope.nodes[node]?.inputs[input];
  if (!isLink(value)) return NO_CHANGE;
  const name = value.link[1];
  const users = Object.values(scope.nodes).flatMap((each) => Object.values(each.inputs).filter((other) => isLink(other) && other.link[0] === INPUTS_NODE && other.link[1] === name));
  const index = root.definitions?.[definition]?.inputs?.findIndex((socket) => socket.name === name) ?? -1;
  if (users.length > 1 || index < 0) return lift(root, path, disconnect(scope, catalogue, [{ node, input }]), catalogue);
  return removeSocket(root, catalogue, definition, "inputs", index);
}

/** A seed that moved after each run inside does so on the instances. */
function withControl(root: WorkflowDocument, diff: Diff, definition: string, control: SeedControl | undefined): Diff {
  const name = apply(root, diff).definitions?.[definition]?.inputs?.at(-1)?.name;
  if (control === undefined || name === undefined) return diff;
  const instances = Object.entries(root.nodes).filter(([, { type }]) => type === definition);
  const records = instances.map(([id, node]) => [`node:${id}`, { ...node, controls: { ...node.controls, [name]: control } }] as const);
  return squash(diff, change(root, Object.fromEntries(records)));
}

const NEW_INPUTS = { id: INPUTS_NODE, display_name: "", description: "", category: "", terminal: false, inputs: [], outputs: [{ name: NEW_SOCKET, type: "*" }] };

function pathTo(definition: string): readonly Step[] {
  return [{ instance: "", definition }];
}

/** Forgets the definitions that nothing uses. */
export function removeUnused(editor: Editor): void {
  const unused = unusedDefinitions(editor.root);
  const records = Object.fromEntries(unused.map((id) => [`definition:${id}` as const, undefined]));
  editor.commitRoot(change(editor.root, records), "Remove unused subgraphs");
  editor.notify("info", unused.length === 1 ? "1 subgraph removed" : `${unused.length} subgraphs removed`);
}
