/** What a person decides about the editor; kept in the browser, never in a workflow. */

export interface Settings {
  /** Keys of commands that differ from the editor's own; an empty list takes a command's keys away. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** What the wheel does without a key held. */
  readonly wheel: "zoom" | "scroll";
  /** What a drag on the empty canvas does; the other one is a drag with Shift. */
  readonly drag: "pan" | "select";
  readonly select: "rectangle" | "lasso";
  /** Whether moved nodes keep to the grid; Shift does the other. */
  readonly snap: boolean;
  readonly motion: "system" | "reduced";
}

export const DEFAULT_SETTINGS: Settings = { keys: {}, wheel: "zoom", drag: "pan", select: "rectangle", snap: false, motion: "system" };

const CHOICES = {
  wheel: ["zoom", "scroll"],
  drag: ["pan", "select"],
  select: ["rectangle", "lasso"],
  snap: [true, false],
  motion: ["system", "reduced"],
} as const;

function keysFrom(value: unknown): Settings["keys"] {
  if (typeof value !== "object" || value === null) return {};
  const lists = Object.entries(value).filter((entry): entry is [string, string[]] => Array.isArray(entry[1]) && entry[1].every((key) => typeof key === "string"));
  return Object.fromEntries(lists);
}

/** Settings from what the browser kept; what is missing or not understood is as the editor ships it. */
export function readSettings(text: string | null): Settings {
  let kept: Record<string, unknown> = {};
  try {
    kept = JSON.parse(text ?? "{}") as Record<string, unknown>;
  } catch {
    return DEFAULT_SETTINGS; // half-written by a browser that was closed
  }
  const chosen = Object.entries(CHOICES).flatMap(([name, choices]) => ((choices as readonly unknown[]).includes(kept[name]) ? [[name, kept[name]] as const] : []));
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(chosen), keys: keysFrom(kept["keys"]) };
}
