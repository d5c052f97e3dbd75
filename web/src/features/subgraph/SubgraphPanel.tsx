import { change } from "../../core/diff";
import type { Definition } from "../../core/document";
import { definitionAtHand } from "../../store/subgraphs";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import field from "../../ui/field.module.css";
import { t } from "../../ui/i18n";
import { PromotedWidgets } from "./PromotedWidgets";
import { SocketList } from "./SocketList";
import css from "./subgraph.module.css";

/** Name, sockets and promoted widgets of the subgraph at hand. */
export function SubgraphPanel() {
  const { editor } = useWorkbench();
  const id = useEditorState(() => definitionAtHand(editor));
  const definition = useEditorState((state) => activeTab(state).document.definitions?.[id ?? ""]);
  if (id === null || !definition) return <p className={css.empty}>{t("Select a subgraph, or open one, to see its sockets.")}</p>;
  return (
    <>
      <Names id={id} definition={definition} />
      <SocketList id={id} side="inputs" title={t("Inputs")} sockets={definition.inputs ?? []} />
      <SocketList id={id} side="outputs" title={t("Outputs")} sockets={definition.outputs ?? []} />
      <PromotedWidgets id={id} />
    </>
  );
}

function Names({ id, definition }: { id: string; definition: Definition }) {
  const { editor } = useWorkbench();
  const edit = (part: Partial<Definition>) => editor.commitRoot(change(editor.root, { [`definition:${id}`]: { ...definition, ...part } }), "Edit subgraph", `definition ${id}`);
  return (
    <div className={css.names}>
      <label>
        {t("Name")}
        <input className={field.field} value={definition.name} onChange={(event) => edit({ name: event.target.value })} />
      </label>
      <label>
        {t("Description")}
        <textarea className={field.field} rows={2} value={definition.description ?? ""} onChange={(event) => edit({ description: event.target.value })} />
      </label>
    </div>
  );
}
