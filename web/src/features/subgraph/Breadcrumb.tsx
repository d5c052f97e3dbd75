import { IconChevronRight } from "@tabler/icons-react";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./subgraph.module.css";

/** Where in the workflow the canvas is; each level above is a way back. */
export function Breadcrumb() {
  const { editor } = useWorkbench();
  const tab = useEditorState(activeTab);
  if (tab.path.length === 0) return null;
  const names = [tab.document.name || t("Untitled"), ...tab.path.map(({ definition }) => tab.document.definitions?.[definition]?.name ?? definition)];
  return (
    <nav className={css.crumbs} aria-label={t("Level of the subgraph")}>
      <ol>
        {names.map((name, depth) => (
          <li key={depth}>
            {depth > 0 && <IconChevronRight size={14} aria-hidden="true" />}
            {depth === names.length - 1 ? (
              <b aria-current="location">{name}</b>
            ) : (
              <button type="button" onClick={() => editor.leaveTo(depth)}>
                {name}
              </button>
            )}
          </li>
        ))}
      </ol>
      <button type="button" className={css.sockets} onClick={() => editor.patchView({ panel: "subgraph" })}>
        {t("Sockets and widgets")}
      </button>
    </nav>
  );
}
