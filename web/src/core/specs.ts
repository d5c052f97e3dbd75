/** Specs that no server publishes: reroutes, primitives, subgraphs, and stand-ins for types that are not installed. */
import { INPUTS_NODE, NEW_SOCKET, OUTPUTS_NODE } from "./boundary";
import { type Catalogue, findInput, type InputSpec, type NodeSpec, uniqueKeys } from "./catalogue";
import { sameJson } from "./diff";
import { type Definition, isLink, isPromoted, literalOf, type NodeRecord, type SocketRecord, type WorkflowDocument } from "./document";

type Definitions = Readonly<Record<string, Definition>>;

function socket(name: string, type: string, widget: boolean): InputSpec {
  return { name, type, required: false, hidden: null, widget, options: {}, choices: null };
}

function virtual(id: string, display_name: string, description: string, inputs: InputSpec[]): NodeSpec {
  return { id, display_name, description, category: "graph", terminal: false, inputs, outputs: [{ name: "value", type: "*" }] };
}

const VIRTUAL: Catalogue = {
  Reroute: virtual("Reroute", "Reroute", "Passes on what it gets, to lead a link around things.", [socket("value", "*", false)]),
  PrimitiveNode: virtual("PrimitiveNode", "Primitive", "One value for every widget it is linked to.", [
    { ...socket("value", "STRING", true), options: { socketless: true } },
  ]),
};

const WIDGET_TYPES = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"]);

function labelled({ label }: SocketRecord): { label?: string } {
  return label === undefined ? {} : { label };
}

/** The spec of an instance: its inputs take the widgets of what they feed inside. */
function specOfDefinition(id: string, definition: Definition, known: Catalogue): NodeSpec {
  return {
    id,
    display_name: definition.name,
    description: definition.description ?? "A subgraph of this workflow.",
    category: "subgraphs",
    terminal: false,
    inputs: (definition.inputs ?? []).map((declared) => inputOfDefinition(declared, definition, known)),
    outputs: (definition.outputs ?? []).map((output) => ({ name: output.name, type: output.type, ...labelled(output) })),
  };
}

function inputOfDefinition(declared: SocketRecord, definition: Definition, known: Catalogue): InputSpec {
  const { name, type } = declared;
  for (const node of Object.values(definition.nodes ?? {})) {
    for (const [inner, value] of Object.entries(node.inputs)) {
      if (!isPromoted(value) || value.input !== name) continue;
      const fed = findInput(known[node.type], inner);
      if (!fed) continue;
      const start = literalOf(value);
      return { ...fed, name, type, required: false, ...(start === undefined ? {} : { default: start }), ...labelled(declared) };
    }
  }
  return { ...socket(name, type, WIDGET_TYPES.has(type)), ...labelled(declared) };
}

/** The two nodes that stand for the definition's ends while it is shown from inside. */
function boundarySpecs({ inputs = [], outputs = [] }: Definition): Catalogue {
  const end = (id: string, display_name: string, description: string): NodeSpec => ({ id, display_name, description, category: "", terminal: false, inputs: [], outputs: [] });
  const ins = end(INPUTS_NODE, "Inputs", "What the subgraph gets. Link the last socket to add one.");
  const keys = uniqueKeys(outputs);
  const outs = end(OUTPUTS_NODE, "Outputs", "What the subgraph gives. Link to the last socket to add one.");
  return {
    [INPUTS_NODE]: { ...ins, outputs: [...inputs.map((each) => ({ name: each.name, type: each.type, ...labelled(each) })), { name: NEW_SOCKET, type: "*" }] },
    [OUTPUTS_NODE]: { ...outs, inputs: [...outputs.map((each, index) => ({ ...socket(keys[index] ?? each.name, each.type, false), ...labelled(each) })), socket(NEW_SOCKET, "*", false)] },
  };
}

/** Specs of all definitions, those used by others first, so that promoted widgets reach through several levels. */
function definitionSpecs(catalogue: Catalogue, definitions: Definitions): Catalogue {
  const known: Record<string, NodeSpec> = { ...catalogue, ...VIRTUAL };
  const made: Record<string, NodeSpec> = {};
  const visiting = new Set<string>();
  const make = (id: string) => {
    const definition = definitions[id];
    if (!definition || made[id] || visiting.has(id)) return;
    visiting.add(id);
    for (const { type } of Object.values(definition.nodes ?? {})) make(type);
    made[id] = known[id] = specOfDefinition(id, definition, known);
  };
  Object.keys(definitions).forEach(make);
  return made;
}

/** The server's catalogue with what a document defines; stays the same object while no socket changes. */
export class SpecBook {
  private from: { readonly catalogue: Catalogue; readonly definitions: Definitions | undefined; readonly inside: string | null } | null = null;
  private own: Catalogue = {};
  private all: Catalogue = {};

  /** `inside` is the definition whose ends are shown as nodes. */
  specs(catalogue: Catalogue, definitions: WorkflowDocument["definitions"], inside: string | null = null): Catalogue {
    const last = this.from;
    if (last?.catalogue === catalogue && last.definitions === definitions && last.inside === inside) return this.all;
    const shown = inside === null ? undefined : definitions?.[inside];
    const own = { ...definitionSpecs(catalogue, definitions ?? {}), ...(shown ? boundarySpecs(shown) : {}) };
    const same = last?.catalogue === catalogue && last.inside === inside && sameJson(own, this.own);
    this.from = { catalogue, definitions, inside };
    if (same) return this.all;
    this.own = own;
    this.all = { ...catalogue, ...VIRTUAL, ...own };
    return this.all;
  }
}

/** Stands for a type that is not installed, so that its links and values stay visible and are kept. */
export function unknownSpec(record: NodeRecord, outputs: Iterable<string>): NodeSpec {
  const declared = record.sockets?.inputs ?? [];
  const names = new Set(declared.map((input) => input.name));
  const found = Object.entries(record.inputs).filter(([name]) => !names.has(name));
  const told = record.sockets?.outputs ?? [];
  const extra = [...outputs].filter((name) => !told.some((output) => output.name === name));
  return {
    id: record.type,
    display_name: record.type,
    description: "This server does not have this node type.",
    category: "",
    terminal: false,
    inputs: [
      ...declared.map(({ name, type, widget }) => socket(name, type, widget === true)),
      ...found.map(([name, value]) => socket(name, isLink(value) ? "*" : "STRING", !isLink(value))),
    ],
    outputs: [...told.map(({ name, type }) => ({ name, type })), ...extra.map((name) => ({ name, type: "*" }))],
  };
}
