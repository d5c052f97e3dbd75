/** The form of a workflow: which inputs it asks for and which results it shows, by path ids. */
import { isBoundary } from "./boundary";
import { type Catalogue, type InputSpec, type NodeSpec, visibleInputs, type WidgetKind, widgetKind } from "./catalogue";
import { change, type Diff } from "./diff";
import { type FormField, type FormOutput, type FormRecord, isLink, type NodeRecord, type WorkflowDocument } from "./document";
import { scopeOf, type Step } from "./scope";

/** A node wherever it is: the way to its scope, and its id there. */
export interface Place {
  readonly path: readonly Step[];
  readonly id: string;
  readonly record: NodeRecord;
}
export interface Field extends Place {
  readonly field: FormField;
  readonly input: InputSpec;
  readonly kind: WidgetKind;
}
export interface Shown extends Place {
  readonly output: FormOutput;
  readonly title: string;
}

/** The node with this path id (`12:3`); null when it is gone. */
export function locate(root: WorkflowDocument, pathId: string): Place | null {
  const steps = pathId.split(":");
  const id = steps.pop() ?? "";
  const path: Step[] = [];
  for (const instance of steps) {
    const definition = scopeOf(root, path).nodes[instance]?.type ?? "";
    if (!root.definitions?.[definition]) return null;
    path.push({ instance, definition });
  }
  const record = scopeOf(root, path).nodes[id];
  return record ? { path, id, record } : null;
}

/** The fields that can be shown: those whose node and input exist and are not fed by a link. */
export function formFields(root: WorkflowDocument, specs: Catalogue): Field[] {
  return (root.form?.inputs ?? []).flatMap((field): Field[] => {
    const place = locate(root, field.node);
    const input = specs[place?.record.type ?? ""]?.inputs.find(({ name }) => name === field.input);
    if (!place || !input || isLink(place.record.inputs[field.input])) return [];
    return [{ ...place, field, input: { ...input, label: field.label ?? input.label ?? input.name }, kind: widgetKind(input) }];
  });
}

export function formOutputs(root: WorkflowDocument, specs: Catalogue): Shown[] {
  return (root.form?.outputs ?? []).flatMap((output): Shown[] => {
    const place = locate(root, output.node);
    return place ? [{ ...place, output, title: output.label ?? place.record.title ?? specs[place.record.type]?.display_name ?? place.record.type }] : [];
  });
}

/** Fields whose node, input or value is no longer there. */
export function lostFields(root: WorkflowDocument, specs: Catalogue): readonly FormField[] {
  const found = new Set(formFields(root, specs).map(({ field }) => field));
  return (root.form?.inputs ?? []).filter((field) => !found.has(field));
}

export interface Candidate {
  readonly node: string;
  readonly title: string;
  readonly inputs: readonly InputSpec[];
  readonly shows: boolean;
}

/** What a form could ask for: the widgets of every node outside of subgraphs, and which nodes end the workflow. */
export function candidates(root: WorkflowDocument, specs: Catalogue): Candidate[] {
  return Object.entries(root.nodes).flatMap(([node, record]): Candidate[] => {
    const spec: NodeSpec | undefined = specs[record.type];
    if (!spec || isBoundary(node)) return [];
    const inputs = visibleInputs(spec).filter((input) => input.widget && !isLink(record.inputs[input.name]));
    const shows = spec.terminal || holdsOutput(root, specs, record.type);
    return inputs.length || shows ? [{ node, title: record.title ?? spec.display_name, inputs, shows }] : [];
  });
}

function holdsOutput(root: WorkflowDocument, specs: Catalogue, type: string): boolean {
  const inner = Object.values(root.definitions?.[type]?.nodes ?? {});
  return inner.some((node) => specs[node.type]?.terminal === true || holdsOutput(root, specs, node.type));
}

/** What a form asks for when somebody begins one: every text, seed and uploaded picture, and all results. */
export function suggestedForm(root: WorkflowDocument, specs: Catalogue): FormRecord {
  const all = candidates(root, specs);
  const inputs = all.flatMap(({ node, title, inputs: widgets }) =>
    widgets
      .filter((input) => ["multiline", "upload"].includes(widgetKind(input)))
      .map((input): FormField => ({ node, input: input.name, label: widgets.length === 1 ? title : `${title}: ${input.name}` })),
  );
  return { inputs, outputs: all.filter(({ shows }) => shows).map(({ node }) => ({ node })) };
}

export function setForm(root: WorkflowDocument, form: FormRecord | undefined): Diff {
  return change(root, { form });
}

/** The same record without texts that are empty: an absent text means nobody said anything. */
export function withoutBlanks<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== "")) as T;
}

/** The list with one entry moved; entries are known by what they are, not by where they were. */
export function moved<T>(list: readonly T[], index: number, to: number): T[] {
  const next = [...list];
  const [entry] = next.splice(index, 1);
  if (entry !== undefined) next.splice(Math.max(0, to), 0, entry);
  return next;
}
