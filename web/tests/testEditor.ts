/** The editor without a screen, driven as a person would: press here, move there, let go. */
import catalogueData from "./fixtures/catalogue.json";
import defaultWorkflow from "../../workflows/text-to-image.json";
import { GestureMachine, type PointerInput } from "../src/canvas/gestures/machine";
import type { Catalogue } from "../src/core/catalogue";
import { serialize, type WorkflowDocument } from "../src/core/document";
import type { Point } from "../src/core/geometry";
import { parseDocument } from "../src/core/parse";
import { Editor } from "../src/store/editor";

export const CATALOGUE = catalogueData as unknown as Catalogue;
export const DEFAULT_WORKFLOW: WorkflowDocument = parseDocument(defaultWorkflow);

type Mods = Partial<Pick<PointerInput, "shift" | "alt" | "mod" | "touch" | "button">>;

export class TestEditor {
  readonly editor: Editor;
  readonly gestures: GestureMachine;
  private clock = 0;
  private ids = 0;
  private mods: Mods = {};

  constructor(document: WorkflowDocument = DEFAULT_WORKFLOW) {
    this.editor = new Editor({
      now: () => (this.clock += 5000),
      random: () => 0.5,
      freshId: () => `id${(this.ids += 1)}`,
    });
    this.gestures = new GestureMachine(this.editor);
    this.editor.store.setState({ catalogue: { specs: CATALOGUE, state: "ready", packs: "loaded", message: "" } });
    this.editor.open(document);
    this.editor.patchView({ viewport: { x: 0, y: 0, k: 1 } });
  }

  get text(): string {
    return serialize(this.editor.document);
  }

  holding(mods: Mods): this {
    this.mods = mods;
    return this;
  }

  private input(at: Point, id = 1): PointerInput {
    return { id, at, button: 0, shift: false, alt: false, mod: false, touch: false, ...this.mods };
  }

  press(at: Point, id = 1): this {
    this.gestures.down(this.input(at, id));
    return this;
  }

  moveTo(at: Point, id = 1): this {
    this.gestures.move(this.input(at, id));
    return this;
  }

  release(at: Point, id = 1): this {
    this.gestures.up(this.input(at, id));
    return this;
  }

  drag(from: Point, to: Point): this {
    return this.press(from).moveTo({ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }).moveTo(to).release(to);
  }

  /** Somewhere on a node's title. */
  title(id: string): Point {
    const node = this.node(id);
    return { x: node.x + node.w / 2, y: node.y + 12 };
  }

  inputSocket(id: string, name: string): Point {
    return this.editor.scene.inputPoint(this.node(id), name);
  }

  outputSocket(id: string, name: string): Point {
    return this.editor.scene.outputPoint(this.node(id), name);
  }

  node(id: string) {
    const node = this.editor.scene.nodes.get(id);
    if (!node) throw new Error(`no node ${id}`);
    return node;
  }
}
