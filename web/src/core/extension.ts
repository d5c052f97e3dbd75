/**
 * What a pack may add to the editor: controls for inputs, and panels. See docs/editor-extensions.md.
 *
 * A pack's web folder holds `heddle.js`, an ES module whose default export is an `EditorExtension`. Everything is
 * framework-free: the editor gives an empty element and takes it away again.
 */
import type { Json, WorkflowDocument } from "./document";

export interface EditorExtension {
  /** The version of this interface; an extension for another version is refused. */
  readonly api: 1;
  readonly widgets?: readonly WidgetExtension[];
  readonly panels?: readonly PanelExtension[];
}

export interface WidgetExtension {
  /** Every input of this socket type gets the control. */
  readonly type?: string;
  /** Or one input of one node type only, as `pack.node.input`. */
  readonly input?: string;
  /** Height on the node in graph units, 24 to 400; 32 is one row. */
  readonly height: number;
  /** Fills an empty element. Called again for every node that comes into view. */
  mount(element: HTMLElement, host: WidgetHost): MountedWidget;
}
export interface WidgetHost {
  readonly name: string;
  /** What people read instead of the name. */
  readonly label: string;
  /** The input's options as the node declares them. */
  readonly options: Readonly<Record<string, Json>>;
  /** The value now; null when there is none yet. */
  readonly value: Json;
  /** Stores a value in the workflow; each call is one step of undo, quick ones become one. */
  change(value: Json): void;
}
export interface MountedWidget {
  /** The value changed elsewhere: undo, another window, a form. */
  update?(value: Json): void;
  /** The element is about to go: stop timers and listeners. */
  unmount?(): void;
}

export interface PanelExtension {
  /** Unique within the pack. */
  readonly id: string;
  readonly title: string;
  mount(element: HTMLElement, host: PanelHost): MountedPanel;
}
export interface PanelHost {
  /** The workflow as it is now; never to be changed in place. */
  workflow(): WorkflowDocument;
  /** Ids of the selected nodes. */
  selection(): readonly string[];
  /** Called after every change of the workflow or the selection; gives a function that ends it. */
  onChange(listener: () => void): () => void;
  /** Sets one input of a node. Throws Error when there is no such node. */
  setInput(node: string, input: string, value: Json): void;
  select(nodes: readonly string[]): void;
  /** Queues the workflow. */
  run(): void;
  /** A short message at the edge of the page. */
  notify(title: string, text?: string): void;
}
export interface MountedPanel {
  unmount?(): void;
}

/** A thrown value as people read it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const HEIGHTS = { least: 24, most: 400 };

/** The extension in a module; throws Error saying what is wrong with it. */
export function readExtension(module: unknown): EditorExtension {
  const given = (module as { readonly default?: unknown } | null)?.default as Partial<EditorExtension> | undefined;
  if (typeof given !== "object") throw new Error("The module has no default export. Export an object with `api: 1`.");
  if ((given.api as number | undefined) !== 1) throw new Error(`It is written for version ${String(given.api)} of the interface; this editor has version 1.`);
  for (const [index, widget] of (given.widgets ?? []).entries()) {
    const where = `widgets[${index}]`;
    if ((widget.type === undefined) === (widget.input === undefined)) throw new Error(`${where} needs either \`type\` or \`input\`.`);
    if (!(widget.height >= HEIGHTS.least && widget.height <= HEIGHTS.most)) throw new Error(`${where}.height must be ${HEIGHTS.least} to ${HEIGHTS.most}.`);
    if (typeof widget.mount !== "function") throw new Error(`${where}.mount must be a function.`);
  }
  for (const [index, panel] of (given.panels ?? []).entries()) {
    if (!panel.id || !panel.title) throw new Error(`panels[${index}] needs \`id\` and \`title\`.`);
    if (typeof panel.mount !== "function") throw new Error(`panels[${index}].mount must be a function.`);
  }
  return given as EditorExtension;
}
