/**
 * Draws when something changed and at no other time, and decides which nodes are live in the page.
 *
 * Live nodes are React's; this class only moves their elements. A visible node that is not live yet is painted, so
 * nothing is ever missing while the page catches up.
 */
import { type Box, overlaps, type View, visibleBox } from "../core/geometry";
import { mediumOf, viewUrl } from "../core/wire";
import type { Editor } from "../store/editor";
import type { State } from "../store/state";
import { activeRun } from "../store/store";
import type { FaceState } from "./faces";
import { paint } from "./painter";
import type { SceneNode } from "./scene";
import { readTheme, type Theme } from "./theme";

/** Nodes are live from this zoom on; below it they are painted. */
const LIVE_FROM = 0.5;
const MOST_LIVE = 120;
const MOUNTS_PER_FRAME = 6;
const SETTLE_MS = 110;
const MARGIN = 80;

export class CanvasEngine {
  private canvas: HTMLCanvasElement | null = null;
  private world: HTMLElement | null = null;
  private context: CanvasRenderingContext2D | null = null;
  theme: Theme | null = null;
  private frame = 0;
  private settleTimer = 0;
  private settled = true;
  private lastView: View | null = null;
  private readonly elements = new Map<string, HTMLElement>();
  private live: readonly string[] = [];
  private readonly liveListeners = new Set<() => void>();
  private readonly drawListeners = new Set<() => void>();
  private drawn: Pick<State, "document" | "view" | "jobs" | "catalogue"> | null = null;
  private drawnVersion = -1;
  private readonly images = new Map<string, HTMLImageElement>();

  constructor(private readonly editor: Editor) {
    editor.store.subscribe((state) => this.onState(state));
    editor.onMoved(() => this.request());
  }

  attach(canvas: HTMLCanvasElement, world: HTMLElement): void {
    this.canvas = canvas;
    this.world = world;
    this.context = canvas.getContext("2d", { alpha: false });
    this.refreshTheme();
  }

  /** Reads colours again, after the theme changed. */
  refreshTheme(): void {
    if (!this.canvas) return;
    this.theme = readTheme(this.canvas);
    this.request();
  }

  resize(width: number, height: number): void {
    if (!this.canvas) return;
    const ratio = window.devicePixelRatio || 1;
    this.editor.size = { width, height };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.draw();
  }

  bind(id: string, element: HTMLElement): () => void {
    this.elements.set(id, element);
    this.place(id, element);
    this.request();
    return () => {
      if (this.elements.get(id) === element) this.elements.delete(id);
      this.request();
    };
  }

  private place(id: string, element: HTMLElement): void {
    const node = this.editor.scene.nodes.get(id);
    if (!node) return;
    const next = `translate(${node.x}px, ${node.y}px)`;
    if (element.style.transform !== next) element.style.transform = next;
  }

  subscribeLive = (listener: () => void): (() => void) => {
    this.liveListeners.add(listener);
    return () => this.liveListeners.delete(listener);
  };
  liveIds = (): readonly string[] => this.live;

  onDraw(listener: () => void): () => void {
    this.drawListeners.add(listener);
    return () => this.drawListeners.delete(listener);
  }

  private onState(state: State): void {
    const last = this.drawn;
    const { viewport, selection, linkDrag } = state.view;
    const same =
      last !== null &&
      (last.document === state.document || this.onlyLiveValues()) &&
      last.catalogue === state.catalogue &&
      last.jobs.runs === state.jobs.runs &&
      last.view.viewport === viewport &&
      last.view.selection === selection &&
      (last.view.linkDrag === null) === (linkDrag === null);
    if (same) this.drawn = state;
    else this.request();
  }

  /** Whether the document changed in values of live nodes only: those show themselves. */
  private onlyLiveValues(): boolean {
    const { scene } = this.editor;
    return scene.version === this.drawnVersion && this.shownLive() && scene.restated.every(({ id }) => this.elements.has(id));
  }

  request(): void {
    if (this.frame === 0 && this.canvas) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Resolves when everything visible has been drawn and nothing is waiting. */
  rest(): Promise<void> {
    return new Promise((resolve) => {
      const check = () => (this.frame === 0 ? resolve() : requestAnimationFrame(check));
      requestAnimationFrame(check);
    });
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { canvas, context, world, theme } = this;
    if (!canvas || !context || !world || !theme) return;
    const { state, scene, viewport, size } = this.editor;
    this.drawn = state;
    this.drawnVersion = scene.version;
    this.noteMove(viewport);
    this.chooseLive();
    this.moveWorld(world, viewport);
    for (const [id, element] of this.elements) this.place(id, element);
    paint(context, {
      scene,
      view: viewport,
      width: size.width,
      height: size.height,
      ratio: canvas.width / Math.max(1, size.width),
      theme,
      notesLive: this.shownLive(),
      isLive: (id) => this.elements.has(id) && this.shownLive(),
      stateOf: this.stateReader(),
      selection: state.view.selection,
      dimmed: state.view.linkDrag !== null,
    });
    for (const listener of this.drawListeners) listener();
  }

  private shownLive(): boolean {
    return this.editor.viewport.k >= LIVE_FROM;
  }

  /** While the zoom changes nothing is mounted; that happens once it has come to rest. */
  private noteMove(view: View): void {
    const last = this.lastView;
    if (last === view) return;
    this.lastView = view;
    if (last?.k !== view.k) this.settled = false;
    window.clearTimeout(this.settleTimer);
    this.settleTimer = window.setTimeout(() => this.settle(), SETTLE_MS);
  }

  private settle(): void {
    if (this.world) put(this.world.style, "willChange", "auto");
    if (this.settled) return;
    this.settled = true;
    this.request();
  }

  /** A layer of its own while it moves: the page is painted again neither then nor, from far away, at all. */
  private moveWorld(world: HTMLElement, { x, y, k }: View): void {
    const transform = `translate(${x}px, ${y}px) scale(${k})`;
    if (world.hidden || world.style.transform === transform) return;
    put(world.style, "willChange", "transform");
    world.style.transform = transform;
  }

  private chooseLive(): void {
    const { viewport, size, scene, selection } = this.editor;
    const shown = this.shownLive();
    if (this.world && this.world.hidden === shown) this.world.hidden = !shown;
    if (!shown && this.settled) this.setLive([]);
    if (!shown || (!this.settled && this.live.length > 0)) return;
    const wide = visibleBox(viewport, size.width, size.height, MARGIN);
    const wanted = scene.within(wide);
    const box = visibleBox(viewport, size.width, size.height);
    const keep = visibleBox(viewport, size.width, size.height, MARGIN * 5);
    const kept = new Set(this.live.filter((id) => this.mayStay(id, keep)));
    const fresh = wanted.filter((node) => !kept.has(node.id));
    const urgent = (node: SceneNode) => Number(selection.has(node.id)) * 2 + Number(overlaps(node, box));
    fresh.sort((a, b) => urgent(b) - urgent(a));
    const most = this.live.length === 0 ? MOST_LIVE : MOUNTS_PER_FRAME;
    for (const node of fresh.slice(0, most)) if (kept.size < MOST_LIVE) kept.add(node.id);
    if (fresh.length > most) this.request();
    this.setLive([...kept]);
  }

  private mayStay(id: string, box: Box): boolean {
    const node = this.editor.scene.nodes.get(id);
    return node !== undefined && (overlaps(node, box) || this.elements.get(id)?.contains(document.activeElement) === true);
  }

  private setLive(ids: readonly string[]): void {
    if (ids.length === this.live.length && ids.every((id, index) => id === this.live[index])) return;
    this.live = ids;
    for (const listener of this.liveListeners) listener();
  }

  private stateReader(): (node: SceneNode) => FaceState {
    const { state, selection } = this.editor;
    const run = activeRun(state);
    const failing = new Set(run.problems.map((problem) => problem.node));
    return ({ id }) => {
      const of = run.nodes[id];
      const first = of?.images.find((file) => mediumOf(file) === "picture");
      return {
        selected: selection.has(id),
        state: failing.has(id) ? "failed" : (of?.state ?? "none"),
        progress: of ? of.value / Math.max(1, of.max) : 0,
        image: this.image(of?.preview ?? (first ? viewUrl(first) : null)),
      };
    };
  }

  private image(url: string | null): HTMLImageElement | null {
    if (url === null) return null;
    let image = this.images.get(url);
    if (!image) {
      image = new Image();
      image.onload = () => this.request();
      image.src = url;
      if (this.images.size > 64) this.images.delete(this.images.keys().next().value ?? "");
      this.images.set(url, image);
    }
    return image.complete && image.naturalWidth > 0 ? image : null;
  }
}

/** Sets a style only when it is another one: the browser takes every setting for a change. */
function put(style: CSSStyleDeclaration, name: "willChange", value: string): void {
  if (style[name] !== value) style[name] = value;
}
