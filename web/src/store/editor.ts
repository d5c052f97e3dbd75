/** The editor without a screen: the store, the scene, and every way to change them. Tests drive this same object. */
import { Scene } from "../canvas/scene";
import type { Catalogue } from "../core/catalogue";
import type { Diff } from "../core/diff";
import { apply, isEmpty, squash } from "../core/diff";
import type { WorkflowDocument } from "../core/document";
import { withWidgetSpecs } from "../core/widgetSpecs";
import { type Box, fit, type Insets, type Point, toGraph, type View, zoomAt } from "../core/geometry";
import { commit, redo, undo } from "../core/history";
import { lift, prefixOf, scopeOf, type Step, validPath } from "../core/scope";
import { pruneWaypoints } from "../core/waypoints";
import type { Settings } from "../core/settings";
import { SpecBook } from "../core/specs";
import type { Notice, State, Tab, ViewSlice } from "./state";
import { activeDocument, activeRun, activeTab, newStore, newTab } from "./store";

export interface Outside {
  readonly now: () => number;
  readonly random: () => number;
  readonly freshId: () => string;
}

export class Editor {
  readonly store = newStore();
  readonly scene = new Scene();
  size = { width: 1200, height: 800 };
  private noticeCount = 0;
  private readonly book = new SpecBook();
  private extended: { from: Catalogue; widgets: State["extensions"]["widgets"]; specs: Catalogue } = { from: {}, widgets: [], specs: {} };
  /** Where each scope was looked at, by tab and path. */
  private readonly scopeViews = new Map<string, View>();
  private media: ReadonlySet<string> = new Set();
  private seenRuns: State["jobs"]["runs"] | null = null;
  private seenTab = "";

  private readonly movedListeners = new Set<(id: string | null) => void>();

  constructor(readonly outside: Outside) {
    this.store.subscribe(() => this.syncScene());
  }

  get state(): State {
    return this.store.getState();
  }
  get document(): WorkflowDocument {
    return activeDocument(this.state);
  }
  /** The whole document, whatever part of it is shown. */
  get root(): WorkflowDocument {
    return activeTab(this.state).document;
  }
  get path(): readonly Step[] {
    return activeTab(this.state).path;
  }
  get selection(): ReadonlySet<string> {
    return this.state.view.selection;
  }
  get viewport(): View {
    return this.state.view.viewport;
  }

  private syncScene(): void {
    const { runs } = this.state.jobs;
    const shown = this.state.document.active + prefixOf(this.path);
    if (runs !== this.seenRuns || shown !== this.seenTab) this.findMedia();
    this.seenRuns = runs;
    this.seenTab = shown;
    this.scene.update(this.document, this.specs, this.media);
  }

  private findMedia(): void {
    const ids = Object.entries(activeRun(this.state).nodes).flatMap(([id, run]) =>
      run.preview !== null || run.images.length > 0 || run.comparison !== null || run.texts.length > 0 ? [id] : [],
    );
    if (ids.length !== this.media.size || ids.some((id) => !this.media.has(id))) this.media = new Set(ids);
  }

  /** The server's catalogue with the controls that packs bring. */
  private get serverSpecs(): Catalogue {
    const { catalogue, extensions } = this.state;
    if (this.extended.from !== catalogue.specs || this.extended.widgets !== extensions.widgets)
      this.extended = { from: catalogue.specs, widgets: extensions.widgets, specs: withWidgetSpecs(catalogue.specs, extensions.widgets) };
    return this.extended.specs;
  }

  /** The catalogue together with what this document defines itself. */
  get specs(): Catalogue {
    const { document, path } = activeTab(this.state);
    return this.book.specs(this.serverSpecs, document.definitions, path.at(-1)?.definition ?? null);
  }

  /** Tells those who draw that the scene moved without a change of the document; `id` when a face changed size. */
  moved(id: string | null = null): void {
    for (const listener of this.movedListeners) listener(id);
  }

  onMoved(listener: (id: string | null) => void): () => void {
    this.movedListeners.add(listener);
    return () => this.movedListeners.delete(listener);
  }

  patchView(part: Partial<ViewSlice>): void {
    this.store.setState((state) => ({ view: { ...state.view, ...part } }));
  }

  changeSettings(part: Partial<Settings>): void {
    this.store.setState(({ settings }) => ({ settings: { ...settings, ...part } }));
  }

  patchTab(id: string, part: Partial<Tab>): void {
    this.store.setState(({ document }) => ({
      document: { ...document, tabs: document.tabs.map((tab) => (tab.id === id ? { ...tab, ...part } : tab)) },
    }));
  }

  /** Every edit of what the canvas shows goes through here. */
  commit(diff: Diff, label: string, mergeKey: string | null = null): void {
    this.commitIn(this.path, diff, label, mergeKey);
  }

  /** An edit of the scope at `path`, shown or not. */
  commitIn(path: readonly Step[], diff: Diff, label: string, mergeKey: string | null = null): void {
    if (isEmpty(diff)) return;
    const document = this.root;
    const scope = scopeOf(document, path);
    const whole = scope.layout.reroutes?.length ? squash(diff, pruneWaypoints(apply(scope, diff))) : diff;
    this.commitRoot(lift(document, path, whole, this.specs), label, mergeKey === null ? null : prefixOf(path) + mergeKey);
  }

  /** An edit of the whole document, whatever part of it is shown. */
  commitRoot(diff: Diff, label: string, mergeKey: string | null = null): void {
    if (isEmpty(diff)) return;
    const tab = activeTab(this.state);
    this.patchTab(tab.id, commit(tab, diff, label, { mergeKey, now: this.outside.now() }));
    this.dropStalePath();
  }

  /** Shows the inside of an instance. */
  enter(instance: string): void {
    const { id, document, path } = activeTab(this.state);
    const definition = this.document.nodes[instance]?.type ?? "";
    if (!document.definitions?.[definition]) return;
    this.goTo(id, [...path, { instance, definition }]);
  }

  /** Goes back out until `depth` levels are left. */
  leaveTo(depth: number): void {
    const { id, path } = activeTab(this.state);
    const left = path[depth];
    if (!left) return;
    this.goTo(id, path.slice(0, depth));
    if (this.document.nodes[left.instance]) this.select([left.instance]);
  }

  private goTo(tab: string, path: readonly Step[]): void {
    this.scopeViews.set(tab + prefixOf(this.path), this.viewport);
    this.patchTab(tab, { path });
    this.select([]);
    const viewport = this.scopeViews.get(tab + prefixOf(path));
    if (viewport) this.patchView({ viewport });
    else this.fit();
  }

  private dropStalePath(): void {
    const { id, document, path } = activeTab(this.state);
    const valid = validPath(document, path);
    if (valid !== path) this.goTo(id, valid);
  }

  undo(): void {
    const tab = activeTab(this.state);
    this.patchTab(tab.id, undo(tab));
    this.dropStaleSelection();
  }

  redo(): void {
    const tab = activeTab(this.state);
    this.patchTab(tab.id, redo(tab));
    this.dropStaleSelection();
  }

  private dropStaleSelection(): void {
    this.dropStalePath();
    const { nodes } = this.document;
    const kept = [...this.selection].filter((id) => nodes[id]);
    if (kept.length !== this.selection.size) this.select(kept);
  }

  select(ids: Iterable<string>): void {
    this.patchView({ selection: new Set(ids) });
  }

  /** Opens a document in a tab of its own, or in the current tab when that is still empty. */
  open(document: WorkflowDocument): void {
    const current = activeTab(this.state);
    const reuse = Object.keys(current.document.nodes).length === 0 && current.history.past.length === 0;
    if (!reuse) {
      this.openInNewTab(document);
      return;
    }
    this.patchTab(current.id, newTab(current.id, document));
    this.openingView();
  }

  openInNewTab(document: WorkflowDocument): void {
    const tab = newTab(this.outside.freshId(), document);
    this.patchTab(this.state.document.active, { viewport: this.viewport });
    this.store.setState((state) => ({
      document: { tabs: [...state.document.tabs, tab], active: tab.id },
      view: { ...state.view, selection: new Set() },
    }));
    this.openingView();
  }

  show(id: string): void {
    const { active } = this.state.document;
    if (id === active) return;
    this.patchTab(active, { viewport: this.viewport });
    this.store.setState((state) => ({
      document: { ...state.document, active: id },
      view: { ...state.view, selection: new Set() },
    }));
    const { viewport } = activeTab(this.state);
    if (viewport) this.patchView({ viewport });
    else this.fit();
  }

  close(id: string, replacement: WorkflowDocument): void {
    const { tabs, active } = this.state.document;
    const index = tabs.findIndex((tab) => tab.id === id);
    if (index < 0) return;
    const rest = tabs.filter((tab) => tab.id !== id);
    const kept = rest.length ? rest : [newTab(this.outside.freshId(), replacement)];
    const next = id === active ? (kept[Math.min(index, kept.length - 1)]?.id ?? active) : active;
    this.store.setState((state) => ({
      document: { tabs: kept, active: next },
      view: { ...state.view, selection: new Set() },
    }));
    if (id === active) this.fit();
  }

  /** Panels lie over the canvas of a phone, and beside it elsewhere. */
  get isNarrow(): boolean {
    return this.size.width < 700;
  }

  /** The part of the canvas that no bar or panel covers. */
  insets(): Insets {
    const narrow = this.isNarrow;
    const right = this.state.view.panel && !narrow ? 348 : 32;
    return narrow ? { top: 68, right: 16, bottom: 92, left: 16 } : { top: 84, right, bottom: 56, left: 84 };
  }

  fit(ids?: ReadonlySet<string>): void {
    const bounds = this.scene.bounds(ids);
    if (bounds) this.showBox(bounds, 1);
  }

  /** Where a document opens: all of it, or on a small screen the first text somebody would write. */
  openingView(): void {
    this.fit();
    const first = [...this.scene.nodes.values()].find((node) => node.face.rows.some((row) => row.kind === "widget" && row.widget === "multiline"));
    if (first && this.isNarrow && this.viewport.k < 0.5) this.fit(new Set([first.id]));
  }

  showBox(box: Box, largest: number): void {
    this.patchView({ viewport: fit(box, this.size.width, this.size.height, this.insets(), largest) });
  }

  zoom(factor: number, at?: Point): void {
    const point = at ?? { x: this.size.width / 2, y: this.size.height / 2 };
    this.patchView({ viewport: zoomAt(this.viewport, point, factor) });
  }

  toGraph(screen: Point): Point {
    return toGraph(this.viewport, screen);
  }

  /** The middle of what no bar or panel covers. */
  centre(): Point {
    const { top, right, bottom, left } = this.insets();
    return this.toGraph({ x: (left + this.size.width - right) / 2, y: (top + this.size.height - bottom) / 2 });
  }

  notify(tone: Notice["tone"], title: string, text = ""): void {
    this.noticeCount += 1;
    const notice: Notice = { id: this.noticeCount, tone, title, text };
    this.patchView({ notices: [...this.state.view.notices.slice(-3), notice] });
  }

  dismiss(id: number): void {
    this.patchView({ notices: this.state.view.notices.filter((notice) => notice.id !== id) });
  }
}
