/** Specs that no server publishes: reroutes, primitives, subgraphs, and stand-ins for types that are not installed. */
import type { Catalogue, InputSpec, NodeSpec } from "./catalogue";
import { type Definition, isLink, type NodeRecord, type WorkflowDocument } from "./document";

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

function specOfDefinition(id: string, definition: Definition): NodeSpec {
  return {
    id,
    display_name: definition.name,
    description: definition.description ?? "A subgraph of this workflow.",
    category: "subgraphs",
    terminal: false,
    inputs: (definition.inputs ?? []).map(({ name, type }) => socket(name, type, WIDGET_TYPES.has(type))),
    outputs: (definition.outputs ?? []).map(({ name, type }) => ({ name, type })),
  };
}

/** Everything a node of this document can be: the server's catalogue, the virtual types and the document's subgraphs. */
export function specsFor(catalogue: Catalogue, definitions: WorkflowDocument["definitions"]): Catalogue {
  const own: [string, NodeSpec][] = Object.entries(definitions ?? {}).map(([id, definition]) => [id, specOfDefinition(id, definition)]);
  return { ...catalogue, ...VIRTUAL, ...Object.fromEntries(own) };
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
