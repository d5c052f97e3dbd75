/** The settings, kept in the browser and applied to the page. */
import { readSettings } from "../core/settings";
import type { Editor } from "../store/editor";

const KEY = "heddle.settings";

export function keepSettings(editor: Editor, storage: Storage, page: HTMLElement): void {
  const apply = () => {
    page.dataset["motion"] = editor.state.settings.motion;
  };
  editor.store.setState({ settings: readSettings(storage.getItem(KEY)) });
  apply();
  editor.store.subscribe(({ settings }, before) => {
    if (settings === before.settings) return;
    storage.setItem(KEY, JSON.stringify(settings));
    apply();
  });
}
