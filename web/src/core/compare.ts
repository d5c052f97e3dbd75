/** What differs between two documents, in words and as a picture of both. */
import { type Diff, change, type RecordKey, sameJson } from "./diff";
import { type Definition, type InputValue, isLink, isPromoted, jsonText, literalOf, type NodeRecord, type SocketRecord, type WorkflowDocument } from "./document";

export type Mark = "added" | "removed" | "changed" | "moved";
export interface Difference {
  readonly mark: Mark;
  /** Names of the subgraphs it lies in, from the outside in. */
  readonly inside: string | null;
  readonly node: string | null;
  readonly title: string;
  /** The input, setting or part that differs; null for a whole node. */
  readonly part: string | null;
  readonly before: string | null;
  readonly after: string | null;
}
export interface Comparison {
  readonly differences: readonly Difference[];
  /** Marks of the nodes outside of subgraphs. */
  readonly marks: ReadonlyMap<string, Mark>;
  /** The later document with the nodes that only the earlier one has. */
  readonly both: WorkflowDocument;
  readonly lostLinks: readonly { readonly from: readonly [string, string]; readonly to: readonly [string, string] }[];
}
type Nodes = Readonly<Record<string, NodeRecord>>;

/** The diff that turns one document into the other. */
export function diffBetween(from: WorkflowDocument, to: WorkflowDocument): Diff {
  const next: Partial<Record<RecordKey, unknown>> = {
    name: to.name,
    groups: to.layout.groups,
    notes: to.layout.notes,
    reroutes: to.layout.reroutes,
    form: to.form,
    meta: to.meta,
  };
  const each = (prefix: "node" | "place" | "definition", a: object, b: object) => {
    for (const id of Object.keys(a)) next[`${prefix}:${id}`] = undefined;
    for (const [id, record] of Object.entries(b)) next[`${prefix}:${id}`] = record;
  };
  each("node", from.nodes, to.nodes);
  each("place", from.layout.nodes, to.layout.nodes);
  each("definition", from.definitions ?? {}, to.definitions ?? {});
  return change(from, next);
}

function titleOf(node: NodeRecord, definitions: Readonly<Record<string, Definition>>): string {
  return node.title ?? definitions[node.type]?.name ?? node.type;
}

function said(value: InputValue | undefined, nodes: Nodes): string | null {
  if (value === undefined) return null;
  if (isLink(value)) return `← ${nodes[value.link[0]]?.title ?? nodes[value.link[0]]?.type ?? value.link[0]} · ${value.link[1]}`;
  if (isPromoted(value)) return `← ${value.input}`;
  return jsonText(literalOf(value) ?? null);
}

type Definitions = Readonly<Record<string, Definition>>;

function nodeDifferences(before: Nodes, after: Nodes, definitions: Definitions, inside: string | null): Difference[] {
  const found: Difference[] = [];
  for (const [node, old] of Object.entries(before)) {
    const now = after[node];
    const title = titleOf(now ?? old, definitions);
    const base = { inside, node, title };
    if (!now) found.push({ ...base, mark: "removed", part: null, before: null, after: null });
    else if (now !== old) found.push(...partDifferences(old, now, before, after).map((part) => ({ ...base, mark: "changed" as const, ...part })));
  }
  for (const [node, record] of Object.entries(after))
    if (!before[node]) found.push({ inside, node, title: titleOf(record, definitions), mark: "added", part: null, before: null, after: null });
  return found;
}

type Part = Pick<Difference, "part" | "before" | "after">;

function partDifferences(old: NodeRecord, now: NodeRecord, before: Nodes, after: Nodes): Part[] {
  const parts: Part[] = [];
  for (const name of new Set([...Object.keys(old.inputs), ...Object.keys(now.inputs)]))
    if (!sameJson(old.inputs[name], now.inputs[name])) parts.push({ part: name, before: said(old.inputs[name], before), after: said(now.inputs[name], after) });
  for (const key of ["type", "title", "mode"] as const) if (old[key] !== now[key]) parts.push({ part: key, before: old[key] ?? null, after: now[key] ?? null });
  for (const name of new Set([...Object.keys(old.controls ?? {}), ...Object.keys(now.controls ?? {})])) {
    const [a, b] = [old.controls?.[name], now.controls?.[name]];
    if (a !== b) parts.push({ part: `${name} after a run`, before: a ?? null, after: b ?? null });
  }
  return parts;
}

/** A name, or the names of sockets. */
function names(part: string | readonly SocketRecord[] | undefined): string | null {
  return typeof part === "string" || part === undefined ? (part ?? null) : part.map(({ name, label }) => label ?? name).join(", ");
}

function definitionDifferences(before: Definitions, after: Definitions): Difference[] {
  const found: Difference[] = [];
  for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[id], after[id]];
    if (old === now) continue;
    const title = (now ?? old)?.name ?? id;
    const base = { inside: null, node: null, title, part: null, before: null, after: null };
    if (!old) found.push({ ...base, mark: "added" });
    else if (!now) found.push({ ...base, mark: "removed" });
    else {
      found.push(...nodeDifferences(old.nodes ?? {}, now.nodes ?? {}, after, title));
      for (const part of ["name", "inputs", "outputs"] as const)
        if (!sameJson(old[part], now[part])) found.push({ ...base, mark: "changed", part, before: names(old[part]), after: names(now[part]) });
    }
  }
  return found;
}

function moves(before: WorkflowDocument, after: WorkflowDocument): Difference[] {
  return Object.entries(after.nodes).flatMap(([node, record]): Difference[] => {
    const [old, now] = [before.layout.nodes[node], after.layout.nodes[node]];
    if (!before.nodes[node] || !old || !now || sameJson(old, now)) return [];
    return [{ mark: "moved", inside: null, node, title: titleOf(record, after.definitions ?? {}), part: null, before: old.pos.join(", "), after: now.pos.join(", ") }];
  });
}

function lostLinks(before: WorkflowDocument, after: WorkflowDocument): Comparison["lostLinks"] {
  return Object.entries(before.nodes).flatMap(([id, node]) =>
    Object.entries(node.inputs).flatMap(([input, value]) => {
      const now = after.nodes[id]?.inputs[input];
      if (!isLink(value) || (isLink(now) && sameJson(now.link, value.link))) return [];
      return [{ from: value.link, to: [id, input] as const }];
    }),
  );
}

/** Nodes as they are drawn once they are gone: their links are drawn as lost ones. */
function withoutLinks(nodes: Nodes): Nodes {
  const bare = ({ inputs, ...node }: NodeRecord) => ({ ...node, inputs: Object.fromEntries(Object.entries(inputs).filter(([, value]) => !isLink(value))) });
  return Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, bare(node)]));
}

/** Everything that differs; `both` shows it in one picture. */
export function compare(before: WorkflowDocument, after: WorkflowDocument): Comparison {
  const differences = [
    ...(before.name === after.name ? [] : [{ mark: "changed" as const, inside: null, node: null, title: after.name, part: "name", before: before.name, after: after.name }]),
    ...nodeDifferences(before.nodes, after.nodes, { ...before.definitions, ...after.definitions }, null),
    ...definitionDifferences(before.definitions ?? {}, after.definitions ?? {}),
    ...moves(before, after),
  ];
  const marks = new Map<string, Mark>();
  for (const { node, inside, mark } of differences) if (node !== null && inside === null && !marks.has(node)) marks.set(node, mark);
  return {
    differences,
    marks,
    lostLinks: lostLinks(before, after),
    both: {
      ...after,
      nodes: { ...withoutLinks(before.nodes), ...after.nodes },
      definitions: { ...before.definitions, ...after.definitions },
      layout: { ...after.layout, nodes: { ...before.layout.nodes, ...after.layout.nodes } },
    },
  };
}
