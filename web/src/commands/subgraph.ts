import { isBoundary } from "../core/boundary";
import { instancesIn, makeSubgraphOf, removeUnused, unpackSelected } from "../store/subgraphs";
import { unusedDefinitions } from "../core/subgraphSockets";
import type { Command, Context } from "./command";

const some = ({ editor }: Context) => [...editor.selection].some((id) => !isBoundary(id));
const instance = ({ editor }: Context) => instancesIn(editor).length > 0;
const inside = ({ editor }: Context) => editor.path.length > 0;

export const SUBGRAPH_COMMANDS: readonly Command[] = [
  { id: "subgraph.make", label: "Make a subgraph of the selection", group: "Subgraph", keys: ["alt+g"], enabled: some, run: ({ editor }) => makeSubgraphOf(editor) },
  { id: "subgraph.enter", label: "Open subgraph", group: "Subgraph", keys: ["alt+arrowdown"], enabled: instance, run: ({ editor }) => editor.enter(instancesIn(editor)[0] ?? "") },
  { id: "subgraph.leave", label: "Leave subgraph", group: "Subgraph", keys: ["alt+arrowup"], enabled: inside, run: ({ editor }) => editor.leaveTo(editor.path.length - 1) },
  { id: "subgraph.unpack", label: "Unpack subgraph", group: "Subgraph", keys: ["alt+shift+g"], enabled: instance, run: ({ editor }) => unpackSelected(editor) },
  { id: "subgraph.prune", label: "Remove unused subgraphs", group: "Subgraph", enabled: ({ editor }) => unusedDefinitions(editor.root).length > 0, run: ({ editor }) => removeUnused(editor) },
];
