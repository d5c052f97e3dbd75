/** The node catalogue as the server publishes it, and what the editor derives from it. */
import { IDENTITY } from "./curve";
import type { Json } from "./document";

export interface InputSpec {
  readonly name: string;
  /** What people read instead of the name. */
  readonly label?: string;
  readonly type: string;
  readonly mode?: "value" | "many" | "lazy" | "ref";
  readonly required: boolean;
  readonly default?: Json;
  readonly hidden: string | null;
  readonly widget: boolean;
  readonly options: Readonly<Record<string, Json>>;
  readonly choices: readonly Json[] | null;
  /** The control that a pack brings for it, and its height on a node. */
  readonly control?: { readonly id: string; readonly height: number };
  readonly choices_from?: { readonly folder: string } | null;
}
export interface OutputSpec {
  readonly name: string;
  readonly label?: string;
  readonly type: string;
  readonly is_list?: boolean;
  readonly tooltip?: string | null;
}
export interface NodeSpec {
  readonly id: string;
  readonly display_name: string;
  readonly description: string;
  readonly category: string;
  readonly module?: string;
  readonly terminal: boolean;
  readonly deprecated?: boolean;
  readonly experimental?: boolean;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly OutputSpec[];
}
export type Catalogue = Readonly<Record<string, NodeSpec>>;
/** A catalogue as the server knows it now. */
export interface PublishedCatalogue {
  readonly specs: Catalogue;
  readonly digest: string;
  /** No pack is still loading. */
  readonly complete: boolean;
}

/** What people read at an input. */
export function labelOf(input: InputSpec): string {
  return input.label ?? input.name;
}

/** Inputs a person sees, in order. */
export function visibleInputs(spec: NodeSpec): InputSpec[] {
  return spec.inputs.filter((input) => input.hidden === null);
}

/** Choices may also be files that people brought: `input/image`, `input/latent`. */
export function isModelFolder(folder: string): boolean {
  return folder !== "input" && !folder.startsWith("input/");
}

export function isSocketOnly(input: InputSpec): boolean {
  return !input.widget || input.options["forceInput"] === true;
}

/** Output names as links use them. */
export function outputKeys(spec: NodeSpec): string[] {
  return uniqueKeys(spec.outputs);
}

/** Names as links write them: a repeated name becomes `NAME#2`, `NAME#3`, … */
export function uniqueKeys(sockets: readonly { readonly name: string }[]): string[] {
  const seen = new Map<string, number>();
  return sockets.map(({ name }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}

export function findInput(spec: NodeSpec | undefined, name: string): InputSpec | undefined {
  return spec?.inputs.find((input) => input.name === name);
}

/** The type of an output by its link name; undefined when the node has no such output. */
export function outputType(spec: NodeSpec | undefined, key: string): string | undefined {
  if (!spec) return undefined;
  const index = outputKeys(spec).indexOf(key);
  return spec.outputs[index]?.type;
}

export type WidgetKind = "int" | "float" | "slider" | "colour" | "curve" | "text" | "multiline" | "toggle" | "choice" | "upload" | "extension" | "unknown";

/** A whole number that is a colour, 0xRRGGBB: it says so, or has the name and the range of one. */
function isColour({ name, options: { display, min, max } }: InputSpec): boolean {
  return display === "color" || (/colou?r$/.test(name) && min === 0 && max === 0xffffff);
}

/** A number that asks for a slider, and has the ends that one needs. */
function isSlider({ options: { display, min, max } }: InputSpec): boolean {
  return display === "slider" && typeof min === "number" && typeof max === "number" && max > min;
}

/** Which control edits this input. */
export function widgetKind(input: InputSpec): WidgetKind {
  if (input.control) return "extension";
  if (input.options["image_upload"] === true) return "upload";
  if (input.choices !== null || input.type === "COMBO") return "choice";
  switch (input.type) {
    case "INT":
      if (isColour(input)) return "colour";
      return isSlider(input) ? "slider" : "int";
    case "FLOAT":
      return isSlider(input) ? "slider" : "float";
    case "COLOR":
      return "colour";
    case "CURVE":
      return "curve";
    case "BOOLEAN":
      return "toggle";
    case "STRING":
      return input.options["multiline"] === true ? "multiline" : "text";
    default:
      return "unknown";
  }
}

export function hasSeedControl(input: InputSpec): boolean {
  if (input.type !== "INT" || !input.widget) return false;
  return Boolean(input.options["control_after_generate"]) || input.name === "seed" || input.name === "noise_seed";
}

/** What a new node's input starts with; undefined for sockets without a value. */
export function startingValue(input: InputSpec): Json | undefined {
  if (isSocketOnly(input)) return undefined;
  if (input.default !== undefined) return input.default;
  switch (widgetKind(input)) {
    case "int":
    case "float":
    case "slider":
      return typeof input.options["min"] === "number" ? Math.max(0, input.options["min"]) : 0;
    case "toggle":
      return false;
    case "text":
    case "multiline":
      return "";
    case "choice":
    case "upload":
      return input.choices?.[0] ?? "";
    case "colour":
      return input.type === "INT" ? 0 : "#ffffff";
    case "curve":
      return IDENTITY;
    case "extension":
    case "unknown":
      return undefined;
  }
}
