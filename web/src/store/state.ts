/** The shape of everything the editor knows: four slices, changed only through Editor and the job feed. */
import type { Catalogue } from "../core/catalogue";
import type { WorkflowDocument } from "../core/document";
import type { PanelExtension } from "../core/extension";
import type { LoadedWidget } from "../core/widgetSpecs";
import type { Box, Point, View } from "../core/geometry";
import type { History } from "../core/history";
import type { InputEnd, OutputEnd } from "../core/links";
import type { Step } from "../core/scope";
import type { Settings } from "../core/settings";
import type { Comparison, FileRef, JobFailure } from "../core/wire";

export interface Tab {
  readonly id: string;
  readonly document: WorkflowDocument;
  readonly history: History;
  /** The document as it was last opened or saved; the tab is dirty when it differs. */
  readonly saved: WorkflowDocument;
  readonly viewport: View | null;
  /** The subgraph that is shown, from the outside in; empty for the document itself. */
  readonly path: readonly Step[];
  /** The line of versions it belongs to. */
  readonly lineage: string;
  /** Under which id its form is shared; null while it is not. */
  readonly shared: string | null;
}
export interface DocumentSlice {
  readonly tabs: readonly Tab[];
  readonly active: string;
}

/** A link being drawn: exactly one end is known. */
export interface LinkDrag {
  readonly from: OutputEnd | null;
  readonly to: InputEnd | null;
  readonly type: string;
  readonly at: Point;
  /** Sockets that would take it, as `in:node:name` and `out:node:name`. */
  readonly fitting: ReadonlySet<string>;
  readonly snapped: string | null;
  /** Why the socket under the pointer refuses it. */
  readonly refusal: string | null;
}
export type LooseEnd = Pick<LinkDrag, "from" | "to" | "type">;
export interface PaletteRequest {
  readonly screen: Point;
  readonly graph: Point;
  /** The loose end the chosen node is linked to. */
  readonly drag: LooseEnd | null;
}
export interface MenuRequest {
  readonly screen: Point;
  readonly graph: Point;
  readonly node: string | null;
}
export type PanelName = "help" | "versions" | "form" | "subgraph" | "jobs" | "gallery" | "outline" | "library";
export interface Notice {
  readonly id: number;
  readonly tone: "error" | "info";
  readonly title: string;
  readonly text: string;
}
export interface Named {
  readonly label: string;
  readonly document: WorkflowDocument;
}
export interface ViewSlice {
  readonly viewport: View;
  readonly selection: ReadonlySet<string>;
  readonly linkDrag: LinkDrag | null;
  readonly marquee: Box | null;
  /** The line drawn around nodes to select them. */
  readonly lasso: readonly Point[] | null;
  readonly palette: PaletteRequest | null;
  /** A socket somebody connects by keyboard: the other end is chosen from a list. */
  readonly connecting: LooseEnd | null;
  /** The node whose inputs are turned into sockets or back, in a list. */
  readonly choosingSockets: string | null;
  readonly commandsOpen: boolean;
  readonly settingsOpen: boolean;
  readonly templatesOpen: boolean;
  readonly menu: MenuRequest | null;
  readonly panel: PanelName | `pack:${string}` | null;
  readonly lightbox: FileRef | null;
  /** The pictures that the shown one was opened among. */
  readonly shelf: readonly FileRef[];
  /** Two documents that are compared, each by what people call it. */
  readonly comparing: { readonly before: Named; readonly after: Named } | null;
  readonly renaming: string | null;
  readonly minimap: boolean;
  /** The form instead of the canvas; `alone` when the page was opened by a link to the form. */
  readonly form: "hidden" | "shown" | "alone";
  readonly notices: readonly Notice[];
}

export interface Problem {
  readonly code: string;
  readonly node: string | null;
  readonly input: string | null;
  readonly what: string;
  readonly fix: string;
}
export type NodeState = "waiting" | "running" | "done" | "cached" | "failed";
export interface NodeRun {
  readonly state: NodeState;
  readonly value: number;
  readonly max: number;
  readonly startedAt: number | null;
  readonly seconds: number | null;
  /** Object URL of the newest step preview. */
  readonly preview: string | null;
  /** Why it ran or did not, once the server has said so. */
  readonly reasons: readonly string[];
  readonly images: readonly FileRef[];
  readonly comparison: Comparison | null;
  readonly texts: readonly string[];
}
/** What a tab shows of its newest job. */
export interface Run {
  readonly job: string | null;
  readonly nodes: Readonly<Record<string, NodeRun>>;
  readonly problems: readonly Problem[];
}
export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";
export interface JobRow {
  readonly id: string;
  /** Its place among all jobs; Infinity until the server has taken it. */
  readonly number: number;
  readonly state: JobState;
  readonly name: string;
  readonly tab: string | null;
  readonly createdAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly images: readonly FileRef[];
  readonly failure: JobFailure | null;
}
export interface JobsSlice {
  readonly connection: "connecting" | "open" | "lost";
  readonly remaining: number;
  readonly rows: Readonly<Record<string, JobRow>>;
  readonly runs: Readonly<Record<string, Run>>;
  readonly submitting: boolean;
  /** No job is taken from the server's queue. */
  readonly paused: boolean;
  /** Ids of the queued jobs in the order in which they will run. */
  readonly turns: readonly string[];
  /** How many jobs one press of Run makes. */
  readonly times: number;
  /** The tab that is run again whenever it changes. */
  readonly following: string | null;
}
export interface CatalogueSlice {
  readonly specs: Catalogue;
  readonly state: "loading" | "ready" | "failed";
  /** While packs are loading, more nodes may follow. */
  readonly packs: "loading" | "loaded";
  readonly message: string;
}
export interface LoadedPanel {
  readonly name: `pack:${string}`;
  readonly pack: string;
  readonly panel: PanelExtension;
}
/** What packs brought for the editor. */
export interface ExtensionsSlice {
  /** The packs whose extension was loaded or tried. */
  readonly packs: readonly string[];
  readonly widgets: readonly LoadedWidget[];
  readonly panels: readonly LoadedPanel[];
}
export interface State {
  readonly settings: Settings;
  readonly extensions: ExtensionsSlice;
  readonly document: DocumentSlice;
  readonly view: ViewSlice;
  readonly jobs: JobsSlice;
  readonly catalogue: CatalogueSlice;
}
