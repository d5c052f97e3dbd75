import { useEffect, useRef, useState } from "react";
import { runCommand } from "../../commands/registry";
import type { Json } from "../../core/document";
import { setInput } from "../../core/edits";
import { messageOf, type PanelHost } from "../../core/extension";
import { blame } from "../../session/extensions";
import type { LoadedPanel } from "../../store/state";
import { useWorkbench, type Workbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./panels.module.css";

/** The few things a panel of a pack can do. */
function hostFor(workbench: Workbench): PanelHost {
  const { editor } = workbench;
  return {
    workflow: () => editor.root,
    selection: () => [...editor.selection],
    onChange: (listener) =>
      editor.store.subscribe((state, before) => {
        if (state.document !== before.document || state.view.selection !== before.view.selection) listener();
      }),
    setInput(node: string, input: string, value: Json) {
      if (!editor.root.nodes[node]) throw new Error(`There is no node ${node}.`);
      editor.commitIn([], setInput(editor.root, node, input, value), `Change ${input}`);
    },
    select: (nodes) => editor.select(nodes.filter((id) => editor.document.nodes[id])),
    run: () => runCommand("run.queue", workbench),
    notify: (title, text = "") => editor.notify("info", title, text),
  };
}

/** A panel that a pack brings; when it fails, the pack is named in its place. */
export function PackPanel({ loaded }: { loaded: LoadedPanel }) {
  const workbench = useWorkbench();
  const element = useRef<HTMLDivElement>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const root = element.current;
    if (!root) return undefined;
    const guarded = <T,>(work: () => T): T | null => {
      try {
        return work();
      } catch (error) {
        setFailure(messageOf(error));
        blame(workbench.editor, loaded.pack, error);
        return null;
      }
    };
    const mounted = guarded(() => loaded.panel.mount(root, hostFor(workbench)));
    return () => {
      guarded(() => mounted?.unmount?.());
      root.replaceChildren();
    };
  }, [workbench, loaded]);
  return (
    <>
      <div ref={element} hidden={failure !== null} />
      {failure !== null && (
        <p className={css.failure} role="alert">
          {t("The panel of the pack “{pack}” failed: {message}", { pack: loaded.pack, message: failure })}
        </p>
      )}
    </>
  );
}
