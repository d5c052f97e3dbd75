/** Which window of this browser has which tabs, so that two windows never overwrite each other's. */
import type { Tab } from "../store/state";

const PREFIX = "heddle.window.";
const FORGOTTEN_AFTER_MS = 14 * 24 * 3600 * 1000;

export interface KeptTab {
  readonly id: string;
  readonly viewport: Tab["viewport"];
  readonly job: string | null;
  readonly shared: string | null;
  readonly lineage: string;
  /** The subgraph that it showed. */
  readonly path: Tab["path"];
}
export interface KeptWindow {
  readonly active: string;
  readonly tabs: readonly KeptTab[];
  /** False once the window was left; one that crashed stays open. */
  readonly open: boolean;
  readonly at: number;
}

export class KeptWindows {
  private taken: string | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly id: string,
    private readonly now: () => number,
  ) {}

  /**
   * What this window begins with: its own tabs after a reload, else those of the window that was used last.
   * `inUse` says that another window may still have them.
   */
  first(): { readonly kept: KeptWindow; readonly inUse: boolean } | null {
    const own = read(this.storage, this.id);
    if (own) return { kept: own, inUse: false };
    const newest = [...this.all()].sort(([, a], [, b]) => b.at - a.at)[0];
    if (!newest) return null;
    const [id, kept] = newest;
    if (!kept.open) this.taken = id;
    return { kept, inUse: kept.open };
  }

  write(kept: Omit<KeptWindow, "at">): void {
    this.storage.setItem(PREFIX + this.id, JSON.stringify({ ...kept, at: this.now() } satisfies KeptWindow));
    if (this.taken !== null) this.storage.removeItem(PREFIX + this.taken);
    this.taken = null;
  }

  /** Forgets windows that were left long ago; gives the ids of all tabs that some window still has. */
  tabsInUse(): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const [id, { at, tabs }] of this.all())
      if (at < this.now() - FORGOTTEN_AFTER_MS) this.storage.removeItem(PREFIX + id);
      else for (const tab of tabs) ids.add(tab.id);
    return ids;
  }

  private all(): readonly (readonly [string, KeptWindow])[] {
    const ids = Object.keys(this.storage).flatMap((key) => (key.startsWith(PREFIX) ? [key.slice(PREFIX.length)] : []));
    return ids.flatMap((id) => {
      const kept = read(this.storage, id);
      return kept ? [[id, kept] as const] : [];
    });
  }
}

function read(storage: Storage, id: string): KeptWindow | null {
  return JSON.parse(storage.getItem(PREFIX + id) ?? "null") as KeptWindow | null;
}

/** True while a window of this id is shown: a duplicated window brings the id of the one it was made of. */
export function isOpen(storage: Storage, id: string): boolean {
  return read(storage, id)?.open === true;
}
