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
import { isPlainSocket } from "../core/plainSockets";
import { METRICS } from "./metrics";

export interface OutputRow {
  readonly key: string;
  readonly type: string;
  readonly label: string;
}
export type FaceRow =
  | { readonly kind: "sockets"; readonly y: number; readonly h: number; readonly input: InputSpec | null; readonly output: OutputRow | null }
  | { readonly kind: "widget"; readonly y: number; readonly h: number; readonly input: InputSpec; readonly widget: WidgetKind; readonly grows: boolean }
  | { readonly kind: "media"; readonly y: number; readonly h: number; readonly grows: true };
// Rows that grow share the height that a node has beyond what it needs: texts and pictures.

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
  if (kind === "curve") return METRICS.curve;
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
  for (const input of widgets) {
    const kind = widgetKind(input);
    const bare = isLink(record.inputs[input.name]) || isPlainSocket(place, input.name);
    const h = bare ? METRICS.row : widgetHeight(kind, input);
    rows.push({ kind: "widget", y, h, input, widget: kind, grows: kind === "multiline" && h === METRICS.text });
    y += h;
  }
  if (media) {
    rows.push({ kind: "media", y, h: METRICS.media, grows: true });
    y += METRICS.media;
  }
  const natural = y + METRICS.edge;
  const wanted = rows.some(grows) ? Math.max(natural, place?.size?.[1] ?? 0) : natural;
  return finish(w, stretch(rows, wanted - natural), wanted);
}

function grows(row: FaceRow): boolean {
  return row.kind !== "sockets" && row.grows;
}

/** The growing row whose lower edge is at this height, as how far the node grows for each unit that the edge moves; 0 for none. */
export function growthAtEdge(face: Face, y: number, reach: number): number {
  const growing = face.rows.filter(grows);
  const index = growing.findIndex((row) => Math.abs(row.y + row.h - y) <= reach);
  return index < 0 ? 0 : growing.length / (index + 1);
}

/** Gives the spare height to the rows that can use it. */
function stretch(rows: readonly FaceRow[], spare: number): FaceRow[] {
  const growing = rows.filter(grows).length;
  if (spare <= 0 || growing === 0) return [...rows];
  const share = spare / growing;
  let shift = 0;
  return rows.map((row) => {
    const grown = grows(row) ? row.h + share : row.h;
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
