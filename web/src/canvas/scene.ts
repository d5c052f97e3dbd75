/** What is where: nodes with their faces, links between them, and an index to find what a box or a point meets. */
import RBush from "rbush";
import { type Catalogue, findInput, type NodeSpec, outputType } from "../core/catalogue";
import { isLink, type NodeRecord, type Pair, type Placement, type Waypoint, type WorkflowDocument } from "../core/document";
import { type Box, contains, type Point, union } from "../core/geometry";
import { allLinks, type InputEnd, linksInto } from "../core/links";
import { unknownSpec } from "../core/specs";
import { routeKey, routes } from "../core/waypoints";
import { isNear } from "./curve";
import { type Face, faceOf, growthAtEdge } from "./face";
import { METRICS } from "./metrics";

export interface SceneLink {
  readonly from: SceneNode;
  readonly output: string;
  readonly input: string;
  readonly type: string;
  /** Waypoints it is led through, from the source on. */
  readonly via: readonly SceneWaypoint[];
}
export interface SceneWaypoint {
  readonly id: string;
  x: number;
  y: number;
}
/** Mutable on purpose: a drag moves it in place; a document change replaces what it derives from. */
export interface SceneNode {
  readonly id: string;
  record: NodeRecord;
  place: Placement | undefined;
  spec: NodeSpec;
  known: boolean;
  face: Face;
  x: number;
  y: number;
  w: number;
  h: number;
  links: readonly SceneLink[];
  media: boolean;
}
export type Hit =
  | { readonly kind: "input"; readonly node: SceneNode; readonly name: string }
  | { readonly kind: "output"; readonly node: SceneNode; readonly name: string }
  | { readonly kind: "corner"; readonly node: SceneNode }
  | { readonly kind: "edge"; readonly node: SceneNode; readonly growth: number }
  | { readonly kind: "header"; readonly node: SceneNode }
  | { readonly kind: "body"; readonly node: SceneNode }
  | { readonly kind: "link"; readonly target: SceneNode; readonly link: SceneLink; readonly segment: number }
  | { readonly kind: "waypoint"; readonly waypoint: SceneWaypoint }
  | { readonly kind: "group"; readonly index: number; readonly part: "title" | "corner" }
  | { readonly kind: "void" };

export const GROUP_TITLE = 30;
const CORNER = 14;
const EDGE = 4;
/** A press that reaches further is made from so far away that the edges of rows cannot be aimed at. */
const READABLE_REACH = 22;
const DIRECT: readonly SceneWaypoint[] = [];

class NodeIndex extends RBush<SceneNode> {
  override toBBox(node: SceneNode) {
    return { minX: node.x, minY: node.y, maxX: node.x + node.w, maxY: node.y + node.h };
  }
  override compareMinX(a: SceneNode, b: SceneNode) {
    return a.x - b.x;
  }
  override compareMinY(a: SceneNode, b: SceneNode) {
    return a.y - b.y;
  }
}

export class Scene {
  readonly nodes = new Map<string, SceneNode>();
  /** Changes whenever something in the scene does. */
  version = 0;
  /** Nodes that the last change gave other values and nothing else; `version` stays then. */
  restated: readonly SceneNode[] = [];
  private readonly index = new NodeIndex(12);
  readonly waypoints = new Map<string, SceneWaypoint>();
  private reroutes: readonly Waypoint[] | undefined;
  private routes: ReadonlyMap<string, readonly Waypoint[]> = new Map();
  private document: WorkflowDocument | null = null;
  private catalogue: Catalogue = {};
  private media: ReadonlySet<string> = new Set();
  /** Nodes being dragged are kept out of the index until they are dropped. */
  private floating: ReadonlySet<string> = new Set();
  private held: { dx: number; dy: number } = { dx: 0, dy: 0 };

  heldGroup: { readonly index: number; readonly dx: number; readonly dy: number; readonly dw: number; readonly dh: number } | null =
    null;

  get groups() {
    return this.document?.layout.groups ?? [];
  }
  get notes() {
    return this.document?.layout.notes ?? [];
  }

  /** Follows the document; only nodes whose record, place or media changed are derived again. */
  update(document: WorkflowDocument, catalogue: Catalogue, media: ReadonlySet<string>): void {
    if (document === this.document && catalogue === this.catalogue && media === this.media) return;
    if (catalogue === this.catalogue && media === this.media && this.takeValues(document)) return;
    this.version += 1;
    this.settle();
    const fresh = catalogue !== this.catalogue || this.isOther(document);
    this.document = document;
    this.catalogue = catalogue;
    this.media = media;
    if (fresh) this.rebuild(document);
    else this.follow(document);
  }

  /** True when little of what is shown is in the document: building anew is quicker then than following. */
  private isOther(document: WorkflowDocument): boolean {
    let kept = 0;
    for (const node of this.nodes.values()) if (document.nodes[node.id] === node.record) kept += 1;
    return kept * 2 <= this.nodes.size;
  }

  /** Takes over a change of values only, as typing makes; false when anything lies or is linked otherwise. */
  private takeValues(document: WorkflowDocument): boolean {
    if (this.document?.layout !== document.layout || this.floating.size > 0) return false;
    const changed: SceneNode[] = [];
    let count = 0;
    for (const id in document.nodes) {
      count += 1;
      const node = this.nodes.get(id);
      const record = document.nodes[id];
      if (!node || !record || (node.record !== record && !differsInValues(node.record, record))) return false;
      if (node.record !== record) changed.push(node);
    }
    if (count !== this.nodes.size) return false;
    for (const node of changed) node.record = document.nodes[node.id] ?? node.record;
    this.document = document;
    this.restated = changed;
    return true;
  }

  private rebuild(document: WorkflowDocument): void {
    this.nodes.clear();
    this.index.clear();
    for (const [id, record] of Object.entries(document.nodes)) this.nodes.set(id, this.derive(id, record));
    this.readWaypoints(document.layout.reroutes);
    for (const node of this.nodes.values()) node.links = this.linksOf(node);
    this.index.load([...this.nodes.values()]);
  }

  private follow(document: WorkflowDocument): void {
    const changed: SceneNode[] = [];
    let unlinked = false;
    for (const node of this.nodes.values()) {
      if (document.nodes[node.id]) continue;
      this.index.remove(node);
      this.nodes.delete(node.id);
      unlinked = true;
    }
    for (const [id, record] of Object.entries(document.nodes)) {
      const old = this.nodes.get(id);
      const same = old?.record === record && old.place === document.layout.nodes[id];
      if (same && old.media === this.media.has(id)) continue;
      const node = this.derive(id, record);
      if (old) {
        this.index.remove(old);
        unlinked ||= old.record.type !== record.type;
        Object.assign(old, node, { links: old.links });
      } else {
        unlinked = true;
        this.nodes.set(id, node);
      }
      const kept = old ?? node;
      this.index.insert(kept);
      changed.push(kept);
    }
    const rerouted = this.readWaypoints(document.layout.reroutes);
    for (const node of unlinked || rerouted ? this.nodes.values() : changed) node.links = this.linksOf(node);
  }

  /** Outputs that links name; asked only for nodes whose type is not installed. */
  private outputsNamed(id: string): ReadonlySet<string> {
    const links = this.document ? allLinks(this.document) : [];
    return new Set(links.flatMap(({ from }) => (from.node === id ? [from.output] : [])));
  }

  private derive(id: string, record: NodeRecord): SceneNode {
    const known = this.catalogue[record.type];
    const spec = known ?? unknownSpec(record, this.outputsNamed(id));
    const place = this.document?.layout.nodes[id];
    const media = this.media.has(id);
    const face = faceOf(spec, record, place, media || wantsMedia(spec));
    const [x, y] = place?.pos ?? [0, 0];
    return { id, record, place, spec, known: known !== undefined, face, x, y, w: face.w, h: face.h, links: [], media };
  }

  /** True when they are others than before. */
  private readWaypoints(reroutes: readonly Waypoint[] | undefined): boolean {
    if (reroutes === this.reroutes) return false;
    this.reroutes = reroutes;
    this.waypoints.clear();
    for (const { id, pos } of reroutes ?? []) this.waypoints.set(id, { id, x: pos[0], y: pos[1] });
    this.routes = routes(reroutes ?? []);
    return true;
  }

  private viaOf(end: InputEnd): readonly SceneWaypoint[] {
    const route = this.routes.size ? this.routes.get(routeKey(end)) : undefined;
    return route?.flatMap(({ id }) => this.waypoints.get(id) ?? []) ?? DIRECT;
  }

  /** Every point a link passes, its ends included. */
  pathOf(target: SceneNode, link: SceneLink): readonly Point[] {
    return [this.outputPoint(link.from, link.output), ...link.via, this.inputPoint(target, link.input)];
  }

  private linksOf(node: SceneNode): SceneLink[] {
    return linksInto(node.id, node.record).flatMap(({ from, to }) => {
      const source = this.nodes.get(from.node);
      if (!source) return [];
      const type = outputType(source.spec, from.output) ?? findInput(node.spec, to.input)?.type ?? "*";
      return [{ from: source, output: from.output, input: to.input, type, via: this.viaOf(to) }];
    });
  }

  /** Moves nodes for the eye only, until `settle` or the next document change. */
  hold(ids: ReadonlySet<string>, dx: number, dy: number): void {
    if (this.floating !== ids) {
      this.settle();
      this.floating = ids;
      for (const id of ids) {
        const node = this.nodes.get(id);
        if (node) this.index.remove(node);
      }
    }
    this.version += 1;
    for (const id of ids) {
      const node = this.nodes.get(id);
      if (!node) continue;
      node.x += dx - this.held.dx;
      node.y += dy - this.held.dy;
    }
    this.held = { dx, dy };
  }

  /** Shows waypoints away from their places for the eye only. */
  leadWaypoints(from: ReadonlyMap<string, Pair>, dx: number, dy: number): void {
    for (const [id, [x, y]] of from) {
      const waypoint = this.waypoints.get(id);
      if (waypoint) Object.assign(waypoint, { x: x + dx, y: y + dy });
    }
  }

  /** Puts held nodes back where the document has them. */
  settle(): void {
    this.version += 1;
    this.heldGroup = null;
    for (const id of this.floating) {
      const node = this.nodes.get(id);
      if (!node) continue;
      node.x -= this.held.dx;
      node.y -= this.held.dy;
      this.index.insert(node);
    }
    this.floating = new Set();
    this.held = { dx: 0, dy: 0 };
  }

  /** Shows a node at another size for the eye only; the document's size returns with the next change. */
  stretch(id: string, w: number, h: number): void {
    const node = this.nodes.get(id);
    if (!node) return;
    this.version += 1;
    this.index.remove(node);
    const place: Placement = { pos: [node.x, node.y], ...node.place, size: [w, h] };
    node.face = faceOf(node.spec, node.record, place, node.media || wantsMedia(node.spec));
    node.w = node.face.w;
    node.h = node.face.h;
    this.index.insert(node);
  }

  within(box: Box): SceneNode[] {
    const found = this.index.search({ minX: box.x, minY: box.y, maxX: box.x + box.w, maxY: box.y + box.h });
    for (const id of this.floating) {
      const node = this.nodes.get(id);
      if (node) found.push(node);
    }
    return found;
  }

  bounds(ids?: ReadonlySet<string>): Box | null {
    const nodes = ids?.size ? [...ids].flatMap((id) => this.nodes.get(id) ?? []) : [...this.nodes.values()];
    const boxes: Box[] = [...nodes];
    if (!ids?.size) {
      for (const { box } of [...this.groups, ...this.notes]) boxes.push({ x: box[0], y: box[1], w: box[2], h: box[3] });
    }
    return union(boxes);
  }

  inputPoint(node: SceneNode, name: string): Point {
    return { x: node.x, y: node.y + (node.face.inputs.get(name) ?? METRICS.header / 2) };
  }

  outputPoint(node: SceneNode, name: string): Point {
    return { x: node.x + node.w, y: node.y + (node.face.outputs.get(name) ?? METRICS.header / 2) };
  }

  /** What is under a point. `reach` is how near a socket or a link must be, in graph units. */
  hit(point: Point, reach: number, preferred: ReadonlySet<string>): Hit {
    const near = this.within({ x: point.x - reach, y: point.y - reach, w: 2 * reach, h: 2 * reach });
    const ordered = near.sort((a, b) => Number(preferred.has(b.id)) - Number(preferred.has(a.id)));
    for (const node of ordered) {
      const socket = this.socketAt(node, point, reach);
      if (socket) return socket;
    }
    const node = ordered.find((candidate) => contains(candidate, point));
    if (node) return this.partOf(node, point, reach <= READABLE_REACH ? EDGE : 0);
    return this.waypointAt(point, reach) ?? this.linkAt(point, reach * 0.7) ?? this.groupAt(point) ?? { kind: "void" };
  }

  private socketAt(node: SceneNode, point: Point, reach: number): Hit | null {
    const dy = (y: number) => Math.abs(point.y - node.y - y);
    if (Math.abs(point.x - node.x) <= reach)
      for (const [name, y] of node.face.inputs) if (dy(y) <= reach) return { kind: "input", node, name };
    if (Math.abs(point.x - node.x - node.w) <= reach)
      for (const [name, y] of node.face.outputs) if (dy(y) <= reach) return { kind: "output", node, name };
    return null;
  }

  private partOf(node: SceneNode, point: Point, edge: number): Hit {
    const x = point.x - node.x;
    const y = point.y - node.y;
    if (!node.place?.collapsed && x > node.w - CORNER && y > node.h - CORNER) return { kind: "corner", node };
    const growth = edge > 0 ? growthAtEdge(node.face, y, edge) : 0;
    if (growth > 0) return { kind: "edge", node, growth };
    return { kind: y <= METRICS.header ? "header" : "body", node };
  }

  private linkAt(point: Point, reach: number): Hit | null {
    for (const target of this.nodes.values()) {
      for (const link of target.links) {
        const path = this.pathOf(target, link);
        const segment = path.findIndex((b, index) => index > 0 && isNear(path[index - 1] ?? b, b, point, reach));
        if (segment > 0) return { kind: "link", target, link, segment: segment - 1 };
      }
    }
    return null;
  }

  private waypointAt(point: Point, reach: number): Hit | null {
    for (const waypoint of this.waypoints.values())
      if (Math.hypot(waypoint.x - point.x, waypoint.y - point.y) <= reach) return { kind: "waypoint", waypoint };
    return null;
  }

  private groupAt(point: Point): Hit | null {
    for (let index = this.groups.length - 1; index >= 0; index -= 1) {
      const box = this.groups[index]?.box;
      if (!box) continue;
      const [x, y, w, h] = box;
      if (contains({ x, y, w, h: GROUP_TITLE }, point)) return { kind: "group", index, part: "title" };
      if (contains({ x: x + w - CORNER, y: y + h - CORNER, w: CORNER, h: CORNER }, point))
        return { kind: "group", index, part: "corner" };
    }
    return null;
  }
}

/** True when only literals of the same inputs differ: the node looks the same but for the values in it. */
function differsInValues(a: NodeRecord, b: NodeRecord): boolean {
  if (a.type !== b.type || a.title !== b.title || a.mode !== b.mode || a.sockets !== b.sockets) return false;
  const names = Object.keys(b.inputs);
  return names.length === Object.keys(a.inputs).length && names.every((name) => name in a.inputs && (a.inputs[name] === b.inputs[name] || (!isLink(a.inputs[name]) && !isLink(b.inputs[name]))));
}

/** Nodes that show pictures keep room for one from the start. */
function wantsMedia(spec: NodeSpec): boolean {
  const shows = spec.terminal && spec.inputs.some((input) => input.type === "IMAGE");
  return shows || spec.inputs.some((input) => input.options["image_upload"] === true);
}
