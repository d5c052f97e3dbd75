/** The face of a node: which rows it has and how large they are, derived from its spec, never measured. */
import {
  type InputSpec,
  isSocketOnly,
  type NodeSpec,
  outputKeys,
  visibleInputs,
  type WidgetKind,
  widgetKind,
} from "../core/catalogue";
import { isLink, type NodeRecord, type Placement } from "../core/document";
import { METRICS } from "./metrics";

export interface OutputRow {
  readonly key: string;
  readonly type: string;
  readonly label: string;
}
export type FaceRow =
  | { readonly kind: "sockets"; readonly y: number; readonly h: number; readonly input: InputSpec | null; readonly output: OutputRow | null }
  | { readonly kind: "widget"; readonly y: number; readonly h: number; readonly input: InputSpec; readonly widget: WidgetKind }
  | { readonly kind: "media"; readonly y: number; readonly h: number };

export interface Face {
  readonly w: number;
  readonly h: number;
  readonly rows: readonly FaceRow[];
  /** Height of each socket's centre below the node's top. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
}

function widgetHeight(kind: WidgetKind, input: InputSpec): number {
  if (input.control) return input.control.height;
  return kind === "multiline" ? METRICS.text : METRICS.widget;
}

export function naturalWidth(spec: NodeSpec): number {
  const inputs = visibleInputs(spec);
  if (inputs.some((input) => widgetKind(input) === "multiline")) return METRICS.wide;
  return inputs.some((input) => input.widget) || spec.terminal ? METRICS.width : METRICS.narrow;
}

export function faceOf(spec: NodeSpec, record: NodeRecord, place: Placement | undefined, media: boolean): Face {
  const keys = outputKeys(spec);
  const outputs = spec.outputs.map((output, index): OutputRow => ({
    key: keys[index] ?? output.name,
    type: output.type,
    label: output.label ?? output.name,
  }));
  const inputs = visibleInputs(spec);
  const plain = inputs.filter(isSocketOnly);
  const widgets = inputs.filter((input) => !isSocketOnly(input));
  const w = Math.max(METRICS.narrow, place?.size?.[0] ?? naturalWidth(spec));
  if (place?.collapsed) return collapsedFace(w, inputs, outputs);

  let y = METRICS.header + METRICS.edge / 2;
  const rows: FaceRow[] = [];
  for (let index = 0; index < Math.max(plain.length, outputs.length); index += 1) {
    rows.push({ kind: "sockets", y, h: METRICS.row, input: plain[index] ?? null, output: outputs[index] ?? null });
    y += METRICS.row;
  }
  const stretchy: number[] = [];
  for (const input of widgets) {
    const kind = widgetKind(input);
    const h = isLink(record.inputs[input.name]) ? METRICS.row : widgetHeight(kind, input);
    if (kind === "multiline" && h === METRICS.text) stretchy.push(rows.length);
    rows.push({ kind: "widget", y, h, input, widget: kind });
    y += h;
  }
  if (media) {
    stretchy.push(rows.length);
    rows.push({ kind: "media", y, h: METRICS.media });
    y += METRICS.media;
  }
  const natural = y + METRICS.edge;
  // Only text and pictures can use more height than the rows need.
  const wanted = stretchy.length ? Math.max(natural, place?.size?.[1] ?? 0) : natural;
  return finish(w, stretch(rows, stretchy, wanted - natural), wanted);
}

/** Gives the spare height to the rows that can use it. */
function stretch(rows: readonly FaceRow[], stretchy: readonly number[], spare: number): FaceRow[] {
  if (spare <= 0 || stretchy.length === 0) return [...rows];
  const share = spare / stretchy.length;
  let shift = 0;
  return rows.map((row, index) => {
    const grown = stretchy.includes(index) ? row.h + share : row.h;
    const moved = { ...row, y: row.y + shift, h: grown };
    shift += grown - row.h;
    return moved;
  });
}

function finish(w: number, rows: FaceRow[], h: number): Face {
  const inputs = new Map<string, number>();
  const outputs = new Map<string, number>();
  for (const row of rows) {
    const middle = row.y + Math.min(row.h, METRICS.widget) / 2;
    if (row.kind === "widget") inputs.set(row.input.name, middle);
    if (row.kind !== "sockets") continue;
    if (row.input) inputs.set(row.input.name, middle);
    if (row.output) outputs.set(row.output.key, middle);
  }
  return { w, h, rows, inputs, outputs };
}

function collapsedFace(w: number, inputs: readonly InputSpec[], outputs: readonly OutputRow[]): Face {
  const middle = METRICS.header / 2;
  return {
    w,
    h: METRICS.header,
    rows: [],
    inputs: new Map(inputs.map((input) => [input.name, middle])),
    outputs: new Map(outputs.map((output) => [output.key, middle])),
  };
}
