/** The catalogue with the controls that packs bring. */
import type { Catalogue, InputSpec, NodeSpec } from "./catalogue";
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

/** Inputs that a pack has a control for become widgets; every other spec stays the same object. */
export function withExtensions(catalogue: Catalogue, widgets: readonly LoadedWidget[]): Catalogue {
  if (widgets.length === 0) return catalogue;
  return Object.fromEntries(Object.entries(catalogue).map(([id, spec]) => [id, withWidgets(spec, widgets)]));
}

function withWidgets(spec: NodeSpec, widgets: readonly LoadedWidget[]): NodeSpec {
  const inputs = spec.inputs.map((input): InputSpec => {
    const loaded = input.hidden === null ? found(widgets, spec, input) : undefined;
    return loaded ? { ...input, widget: true, control: { id: loaded.id, height: loaded.widget.height } } : input;
  });
  return inputs.some((input, index) => input !== spec.inputs[index]) ? { ...spec, inputs } : spec;
}
