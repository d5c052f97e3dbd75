/** Paints simplified node faces, batched by colour. Used for every visible node that is not live in the page. */
import { jsonText, literalOf } from "../core/document";
import { METRICS } from "./metrics";
import type { SceneNode } from "./scene";
import { socketColor } from "./socketColor";
import type { Theme } from "./theme";

export interface FaceState {
  readonly selected: boolean;
  readonly state: "none" | "waiting" | "running" | "done" | "cached" | "failed";
  readonly progress: number;
  readonly image: CanvasImageSource | null;
}
type Stroke = readonly [SceneNode, string];

/** Below these zooms a detail is smaller than a pixel or unreadable. */
const BLOCK_BELOW = 0.1;
const ROUND_FROM = 0.28;
const DETAIL_FROM = 0.22;
const TITLE_FROM = 0.24;
const TEXT_FROM = 0.44;

export function paintFaces(
  ctx: CanvasRenderingContext2D,
  nodes: readonly SceneNode[],
  k: number,
  theme: Theme,
  stateOf: (node: SceneNode) => FaceState,
): void {
  const states = nodes.map(stateOf);
  if (k < BLOCK_BELOW) {
    blocks(ctx, nodes, states, theme);
    return;
  }
  boxes(ctx, nodes, k, theme);
  if (k >= DETAIL_FROM) wells(ctx, nodes, theme);
  nodes.forEach((node, index) => picture(ctx, node, states[index]?.image ?? null));
  if (k >= DETAIL_FROM) sockets(ctx, nodes, theme);
  borders(ctx, nodes, states, k, theme);
  progress(ctx, nodes, states, theme);
  if (k >= TITLE_FROM) titles(ctx, nodes, theme);
  if (k >= TEXT_FROM) labels(ctx, nodes, theme);
  modes(ctx, nodes, theme);
}

/** Very far away a node is one rectangle of the colour that says most about it. */
function blocks(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], states: readonly FaceState[], theme: Theme): void {
  const colours = nodes.map((node, index) => {
    const of = states[index];
    if (of?.state === "failed" || !node.known) return theme.danger;
    return of?.selected || of?.state === "running" ? theme.accent : theme.border;
  });
  for (const colour of new Set(colours)) {
    ctx.fillStyle = colour;
    nodes.forEach((node, index) => colours[index] === colour && ctx.fillRect(node.x, node.y, node.w, node.h));
  }
}

function boxes(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], k: number, theme: Theme): void {
  if (k < ROUND_FROM) {
    const edge = 1 / k;
    ctx.fillStyle = theme.border;
    for (const node of nodes) ctx.fillRect(node.x - edge, node.y - edge, node.w + 2 * edge, node.h + 2 * edge);
  }
  ctx.fillStyle = theme.node;
  if (k < ROUND_FROM) for (const node of nodes) ctx.fillRect(node.x, node.y, node.w, node.h);
  else fillRounded(ctx, nodes, (node) => ctx.roundRect(node.x, node.y, node.w, node.h, METRICS.radius));
  const tinted = new Map<string, SceneNode[]>();
  for (const node of nodes) {
    const colour = node.place?.color ?? theme.header;
    const list = tinted.get(colour);
    if (list) list.push(node);
    else tinted.set(colour, [node]);
  }
  const r = METRICS.radius;
  for (const [colour, list] of tinted) {
    ctx.fillStyle = colour;
    if (k < ROUND_FROM) for (const node of list) ctx.fillRect(node.x, node.y, node.w, METRICS.header);
    else fillRounded(ctx, list, ({ x, y, w, place }) => ctx.roundRect(x, y, w, METRICS.header, place?.collapsed ? r : [r, r, 0, 0]));
  }
}

/** Muted nodes fade into the ground, bypassed ones take on a tint of their own. */
function modes(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], theme: Theme): void {
  for (const mode of ["muted", "bypassed"] as const) {
    const marked = nodes.filter((node) => node.record.mode === mode);
    if (marked.length === 0) continue;
    ctx.globalAlpha = mode === "muted" ? 0.6 : 0.35;
    ctx.fillStyle = mode === "muted" ? theme.canvas : theme.bypass;
    fillRounded(ctx, marked, ({ x, y, w, h }) => ctx.roundRect(x, y, w, h, METRICS.radius));
    ctx.globalAlpha = 1;
  }
}

/** One by one: a single rounded rectangle is filled on a quick way that a path of many is not. */
function fillRounded(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], add: (node: SceneNode) => void): void {
  for (const node of nodes) {
    ctx.beginPath();
    add(node);
    ctx.fill();
  }
}

function wells(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], theme: Theme): void {
  ctx.fillStyle = theme.well;
  for (const node of nodes) {
    for (const row of node.face.rows) {
      if (row.kind === "sockets" || row.h === METRICS.row) continue;
      ctx.fillRect(node.x + 12, node.y + row.y + 2, node.w - 24, row.h - 4);
    }
  }
}

function picture(ctx: CanvasRenderingContext2D, node: SceneNode, image: CanvasImageSource | null): void {
  const row = image && node.face.rows.find((candidate) => candidate.kind === "media");
  if (!image || !row || !("width" in image)) return;
  const width = Number(image.width);
  const height = Number(image.height);
  const room = { w: node.w - 24, h: row.h - 4 };
  const scale = Math.min(room.w / Math.max(1, width), room.h / Math.max(1, height));
  const w = width * scale;
  const h = height * scale;
  ctx.drawImage(image, node.x + 12 + (room.w - w) / 2, node.y + row.y + 2 + (room.h - h) / 2, w, h);
}

function sockets(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], theme: Theme): void {
  const dots = new Map<string, number[]>();
  const add = (type: string, x: number, y: number) => {
    const list = dots.get(type);
    if (list) list.push(x, y);
    else dots.set(type, [x, y]);
  };
  for (const node of nodes) {
    for (const row of node.face.rows) {
      const y = node.y + row.y + METRICS.row / 2;
      if (row.kind !== "sockets") continue;
      if (row.input) add(row.input.type, node.x, y);
      if (row.output) add(row.output.type, node.x + node.w, y);
    }
  }
  const r = METRICS.socket;
  for (const [type, points] of dots) {
    ctx.fillStyle = socketColor(type, theme.socketLightness);
    ctx.beginPath();
    for (let at = 0; at < points.length; at += 2) {
      const x = points[at] ?? 0;
      const y = points[at + 1] ?? 0;
      ctx.moveTo(x + r, y);
      ctx.arc(x, y, r, 0, Math.PI * 2);
    }
    ctx.fill();
  }
}

function borders(
  ctx: CanvasRenderingContext2D,
  nodes: readonly SceneNode[],
  states: readonly FaceState[],
  k: number,
  theme: Theme,
): void {
  const plain: Stroke[] = [];
  const strong: Stroke[] = [];
  nodes.forEach((node, index) => {
    const { selected, state } = states[index] ?? { selected: false, state: "none" };
    const colour = state === "failed" ? theme.danger : selected || state === "running" ? theme.accent : null;
    if (colour) strong.push([node, colour]);
    else if (!node.known) strong.push([node, theme.danger]);
    else plain.push([node, theme.border]);
  });
  if (k >= ROUND_FROM) stroke(ctx, plain, 1 / k, true); // from further away `boxes` filled them, which is quicker
  stroke(ctx, strong, 2 / k, k >= ROUND_FROM);
}

function stroke(ctx: CanvasRenderingContext2D, strokes: readonly Stroke[], width: number, rounded: boolean): void {
  ctx.lineWidth = width;
  for (const colour of new Set(strokes.map(([, one]) => one))) {
    ctx.strokeStyle = colour;
    for (const [node, own] of strokes) {
      if (own !== colour) continue;
      if (!rounded) {
        ctx.strokeRect(node.x, node.y, node.w, node.h);
        continue;
      }
      ctx.beginPath();
      ctx.roundRect(node.x, node.y, node.w, node.h, METRICS.radius);
      ctx.stroke();
    }
  }
}

function progress(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], states: readonly FaceState[], theme: Theme): void {
  ctx.fillStyle = theme.accent;
  nodes.forEach((node, index) => {
    const of = states[index];
    const share = of?.state === "running" ? of.progress : 0;
    if (share > 0) ctx.fillRect(node.x, node.y + METRICS.header - 3, node.w * share, 3);
  });
}

export function titleOf(node: SceneNode): string {
  return node.record.title ?? node.spec.display_name;
}

function titles(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], theme: Theme): void {
  ctx.fillStyle = theme.text;
  ctx.font = `600 13px ${theme.font}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const node of nodes) ctx.fillText(clip(titleOf(node), node.w - 24, 7), node.x + 12, node.y + METRICS.header / 2);
}

/** Cuts by an average letter width: measuring every text on every frame would cost more than it shows. */
function clip(text: string, room: number, letter: number): string {
  const most = Math.max(1, Math.floor(room / letter));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function labels(ctx: CanvasRenderingContext2D, nodes: readonly SceneNode[], theme: Theme): void {
  ctx.fillStyle = theme.muted;
  ctx.font = `12px ${theme.font}`;
  for (const node of nodes) {
    for (const row of node.face.rows) {
      const y = node.y + row.y + Math.min(row.h, METRICS.widget) / 2;
      if (row.kind === "widget") {
        const text = row.widget === "multiline" && row.h > METRICS.row ? valueText(node, row.input.name) : (row.input.label ?? row.input.name);
        ctx.fillText(clip(text, node.w - 40, 6), node.x + 20, y);
      } else if (row.kind === "sockets" && row.input) ctx.fillText(row.input.label ?? row.input.name, node.x + 14, y);
    }
  }
  ctx.fillStyle = theme.text;
  ctx.textAlign = "right";
  for (const node of nodes) {
    for (const row of node.face.rows) {
      const y = node.y + row.y + row.h / 2;
      if (row.kind === "widget" && row.widget !== "multiline" && row.h > METRICS.row)
        ctx.fillText(clip(valueText(node, row.input.name), node.w * 0.5, 6), node.x + node.w - 20, y);
      else if (row.kind === "sockets" && row.output) ctx.fillText(row.output.label, node.x + node.w - 14, y);
    }
  }
  ctx.textAlign = "left";
}

function valueText(node: SceneNode, name: string): string {
  const value = literalOf(node.record.inputs[name]);
  return value === undefined || value === null ? "" : (jsonText(value).split("\n", 1)[0] ?? "");
}
