/** The catalogue with controls that the server does not declare: those of packs, and those of colours and curves. */
import type { Catalogue, InputSpec, NodeSpec } from "./catalogue";
import { curvePoints } from "./curve";
import type { WidgetExtension } from "./extension";

/** A control of a pack, under an id of its own. */
export interface LoadedWidget {
  readonly id: string;
  readonly pack: string;
  readonly widget: WidgetExtension;
}

function found(widgets: readonly LoadedWidget[], spec: NodeSpec, input: InputSpec): LoadedWidget | undefined {
  const named = widgets.find(({ widget }) => widget.input === `${spec.id}.${input.name}`);
  return named ?? widgets.find(({ widget }) => widget.type !== undefined && widget.type === input.type);
}

/** Packs declare colours and curves as plain sockets; one with a default of that kind is edited on the node. */
function hasOwnControl({ type, default: start, widget }: InputSpec): boolean {
  if (widget) return false;
  return type === "COLOR" ? typeof start === "string" : type === "CURVE" && curvePoints(start) !== null;
}

/** Inputs that there is a control for become widgets; every other spec stays the same object. */
export function withWidgetSpecs(catalogue: Catalogue, widgets: readonly LoadedWidget[]): Catalogue {
  return Object.fromEntries(Object.entries(catalogue).map(([id, spec]) => [id, withWidgets(spec, widgets)]));
}

function withWidgets(spec: NodeSpec, widgets: readonly LoadedWidget[]): NodeSpec {
  const inputs = spec.inputs.map((input): InputSpec => {
    const loaded = input.hidden === null ? found(widgets, spec, input) : undefined;
    if (!loaded && input.hidden === null && hasOwnControl(input)) return { ...input, widget: true };
    return loaded ? { ...input, widget: true, control: { id: loaded.id, height: loaded.widget.height } } : input;
  });
  return inputs.some((input, index) => input !== spec.inputs[index]) ? { ...spec, inputs } : spec;
}
