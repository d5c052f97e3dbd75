/** Versions of a workflow, kept in this browser: one at each run and each saved file, and those that people name. */
import { sameJson } from "../core/diff";
import type { WorkflowDocument } from "../core/document";

export interface Version {
  readonly id: string;
  /** The line of documents it belongs to. */
  readonly lineage: string;
  readonly at: number;
  readonly reason: "run" | "saved" | "named" | "restored";
  /** What a person called it; null for those kept by themselves. */
  readonly name: string | null;
  readonly document: WorkflowDocument;
}

/** Where versions lie. */
export interface Shelf {
  all(lineage: string): Promise<readonly Version[]>;
  /** The line whose newest version has this workflow's name; null when there is none. */
  lineageOf(workflow: string): Promise<string | null>;
  put(version: Version): Promise<void>;
  remove(id: string): Promise<void>;
}

const KEPT_UNNAMED = 40;

export class Versions {
  constructor(
    private readonly shelf: Shelf,
    private readonly now: () => number,
    private readonly freshId: () => string,
  ) {}

  /** Newest first. */
  async list(lineage: string): Promise<readonly Version[]> {
    return [...(await this.shelf.all(lineage))].sort((a, b) => b.at - a.at);
  }

  lineageOf(workflow: string): Promise<string | null> {
    return this.shelf.lineageOf(workflow);
  }

  /** Keeps the document unless it equals the newest version; a name is kept in any case. */
  async keep(lineage: string, document: WorkflowDocument, reason: Version["reason"], name: string | null = null): Promise<void> {
    const [newest, ...older] = await this.list(lineage);
    const same = newest !== undefined && sameJson(newest.document, document);
    if (same && name === null) return;
    if (same && newest.name === null) await this.shelf.put({ ...newest, name, reason });
    else await this.shelf.put({ id: this.freshId(), lineage, at: this.now(), reason, name, document });
    const unnamed = [newest, ...older].filter((version) => version?.name === null);
    for (const version of unnamed.slice(KEPT_UNNAMED)) if (version) await this.shelf.remove(version.id);
  }

  async rename(version: Version, name: string): Promise<void> {
    await this.shelf.put({ ...version, name: name.trim() || null });
  }

  remove(version: Version): Promise<void> {
    return this.shelf.remove(version.id);
  }
}

/** The browser's database. */
export class BrowserShelf implements Shelf {
  private opened: Promise<IDBDatabase> | null = null;

  private open(): Promise<IDBDatabase> {
    this.opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("heddle", 1);
      request.onupgradeneeded = () => {
        const store = request.result.createObjectStore("versions", { keyPath: "id" });
        store.createIndex("lineage", "lineage");
        store.createIndex("workflow", ["document.name", "at"]);
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("The browser's database cannot be opened."));
    });
    return this.opened;
  }

  private async ask<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await this.open();
    return new Promise((resolve, reject) => {
      const request = work(database.transaction("versions", mode).objectStore("versions"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("The browser's database refused."));
    });
  }

  all(lineage: string): Promise<readonly Version[]> {
    return this.ask("readonly", (store) => store.index("lineage").getAll(lineage) as IDBRequest<Version[]>);
  }

  async lineageOf(workflow: string): Promise<string | null> {
    const range = IDBKeyRange.bound([workflow, 0], [workflow, Infinity]);
    const cursor = await this.ask("readonly", (store) => store.index("workflow").openCursor(range, "prev"));
    return cursor ? (cursor.value as Version).lineage : null;
  }

  async put(version: Version): Promise<void> {
    await this.ask("readwrite", (store) => store.put(version));
  }

  async remove(id: string): Promise<void> {
    await this.ask("readwrite", (store) => store.delete(id));
  }
}
