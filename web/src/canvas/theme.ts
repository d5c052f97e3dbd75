/** Colours and fonts the painter uses, read once from the style sheet's variables. */
export interface Theme {
  readonly canvas: string;
  readonly grid: string;
  readonly node: string;
  readonly header: string;
  readonly well: string;
  readonly border: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly danger: string;
  readonly done: string;
  readonly warn: string;
  readonly group: string;
  readonly bypass: string;
  readonly shadow: string;
  readonly font: string;
  readonly socketLightness: number;
}

export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    canvas: read("--canvas"),
    grid: read("--canvas-grid"),
    node: read("--node"),
    header: read("--node-header"),
    well: read("--well"),
    border: read("--node-border"),
    text: read("--text"),
    muted: read("--text-2"),
    accent: read("--accent"),
    danger: read("--danger"),
    done: read("--done"),
    warn: read("--warn"),
    group: read("--group"),
    bypass: read("--bypass"),
    shadow: read("--node-shadow-flat"),
    font: style.fontFamily,
    socketLightness: Number(read("--socket-l")),
  };
}
