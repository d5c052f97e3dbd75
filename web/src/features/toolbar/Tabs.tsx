import { IconPlus, IconX } from "@tabler/icons-react";
import { runCommand } from "../../commands/registry";
import { change, sameJson } from "../../core/diff";
import type { Tab } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./toolbar.module.css";

/** One tab a document, with a mark while it differs from what was opened or saved. */
export function Tabs() {
  const workbench = useWorkbench();
  const tabs = useEditorState((state) => state.document.tabs);
  return (
    <nav className={css.tabs} aria-label={t("Open workflows")}>
      {tabs.map((tab) => (
        <DocumentTab key={tab.id} tab={tab} alone={tabs.length === 1} />
      ))}
      <button type="button" className={css.icon} aria-label={t("New workflow")} title={t("New workflow")} onClick={() => runCommand("workflow.new", workbench)}>
        <IconPlus size={16} />
      </button>
    </nav>
  );
}

function isDirty(tab: Tab): boolean {
  return tab.document !== tab.saved && !sameJson(tab.document, tab.saved);
}

function DocumentTab({ tab, alone }: { tab: Tab; alone: boolean }) {
  const { editor, session } = useWorkbench();
  const active = useEditorState((state) => state.document.active === tab.id);
  const running = useEditorState((state) => {
    const job = state.jobs.runs[tab.id]?.job;
    return job !== undefined && job !== null && state.jobs.rows[job]?.state === "running";
  });
  const rename = () => {
    const name = window.prompt(t("Name of the workflow"), tab.document.name)?.trim();
    if (name) editor.commitRoot(change(editor.root, { name }), "Rename workflow");
  };
  return (
    <span className={css.tab} data-active={active || undefined} data-running={running || undefined}>
      <button type="button" className={css.name} aria-current={active ? "page" : undefined} onClick={() => editor.show(tab.id)} onDoubleClick={rename}>
        {tab.document.name || t("Untitled")}
        {isDirty(tab) && <i className={css.dirty} title={t("Changed since it was opened or saved")} />}
      </button>
      {!alone && (
        <button type="button" className={css.close} aria-label={t("Close {name}", { name: tab.document.name })} onClick={() => session.closeTab(tab.id)}>
          <IconX size={13} />
        </button>
      )}
    </span>
  );
}
