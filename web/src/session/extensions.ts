/** Loads what packs bring for the editor. A pack that fails is named and left out; the others go on. */
import { api } from "../api/client";
import { type EditorExtension, messageOf, readExtension } from "../core/extension";
import type { LoadedWidget } from "../core/widgetSpecs";
import type { Editor } from "../store/editor";
import type { ExtensionsSlice, LoadedPanel } from "../store/state";

const ENTRY = /^\/extensions\/([^/]+)\/heddle\.js$/;
const PATIENCE_MS = 10_000;

type Import = (url: string) => Promise<unknown>;

/** Those of packs not tried before. `load` imports a module; tests give their own. */
export async function loadExtensions(editor: Editor, urls: readonly string[], load: Import): Promise<void> {
  const entries = urls.flatMap((url) => {
    const pack = ENTRY.exec(url)?.[1];
    return pack === undefined ? [] : [{ url, pack: decodeURIComponent(pack) }];
  }).filter(({ pack }) => !editor.state.extensions.packs.includes(pack));
  if (entries.length === 0) return;
  const change = (next: (now: ExtensionsSlice) => ExtensionsSlice) => editor.store.setState(({ extensions }) => ({ extensions: next(extensions) }));
  change((now) => ({ ...now, packs: [...now.packs, ...entries.map(({ pack }) => pack)] }));
  const loaded = await Promise.all(entries.map(async ({ url, pack }) => ({ pack, extension: await attempt(editor, pack, () => within(load(url))) })));
  const widgets: LoadedWidget[] = [];
  const panels: LoadedPanel[] = [];
  for (const { pack, extension } of loaded) {
    extension?.widgets?.forEach((widget, index) => widgets.push({ id: `${pack} ${index}`, pack, widget }));
    for (const panel of extension?.panels ?? []) panels.push({ name: `pack:${pack}/${panel.id}`, pack, panel });
  }
  if (widgets.length || panels.length) change((now) => ({ ...now, widgets: [...now.widgets, ...widgets], panels: [...now.panels, ...panels] }));
}

async function attempt(editor: Editor, pack: string, load: () => Promise<unknown>): Promise<EditorExtension | null> {
  try {
    return readExtension(await load());
  } catch (error) {
    blame(editor, pack, error);
    return null;
  }
}

function within(module: Promise<unknown>): Promise<unknown> {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`It did not load within ${PATIENCE_MS / 1000} seconds.`)), PATIENCE_MS));
  return Promise.race([module, late]);
}

/** Names the pack whose extension failed. */
export function blame(editor: Editor, pack: string, error: unknown): void {
  console.error(`The editor extension of the pack ${pack} failed`, error);
  editor.notify("error", `The editor extension of the pack “${pack}” failed`, messageOf(error));
}

/** Errors that an extension throws later, in its timers and listeners, are named too. */
export function watchExtensions(editor: Editor, target: Window): void {
  target.addEventListener("error", (event) => {
    const pack = /\/extensions\/([^/]+)\//.exec(event.filename)?.[1];
    if (pack !== undefined) blame(editor, decodeURIComponent(pack), event.error ?? event.message);
  });
}

/** Asks the server which scripts packs have, and loads those made for this editor. */
export async function loadPackExtensions(editor: Editor): Promise<void> {
  await loadExtensions(editor, await api.extensions(), (url) => import(/* @vite-ignore */ url) as Promise<unknown>);
}
