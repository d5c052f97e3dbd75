import { IconChevronDown, IconChevronRight, IconWindowMaximize } from "@tabler/icons-react";
import { changePlacement, setTitle } from "../../core/edits";
import { activeDocument, activeRun, activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./NodeHeader.module.css";
import { RunBadge } from "./RunBadge";

interface Props {
  readonly id: string;
  readonly title: string;
  readonly colour: string | undefined;
  readonly collapsed: boolean;
}

export function NodeHeader({ id, title, colour, collapsed }: Props) {
  const { editor } = useWorkbench();
  const renaming = useEditorState((state) => state.view.renaming === id);
  const mode = useEditorState((state) => activeDocument(state).nodes[id]?.mode);
  const fold = () => {
    editor.commit(changePlacement(editor.document, id, { collapsed: !collapsed }), collapsed ? "Expand node" : "Collapse node");
  };
  return (
    <header className={css.header} data-collapsed={collapsed || undefined} style={colour ? { background: colour } : undefined}>
      <button type="button" className={css.fold} data-widget tabIndex={-1} aria-label={collapsed ? t("Expand") : t("Collapse")} onClick={fold}>
        {collapsed ? <IconChevronRight size={14} /> : <IconChevronDown size={14} />}
      </button>
      {renaming ? (
        <Rename id={id} title={title} />
      ) : (
        <span className={css.title} title={title} onDoubleClick={() => editor.patchView({ renaming: id })}>
          {title}
        </span>
      )}
      <EnterButton id={id} />
      {mode && <span className={css.mode}>{mode === "muted" ? t("muted") : t("bypassed")}</span>}
      <RunBadge id={id} />
      <Progress id={id} />
    </header>
  );
}

/** Instances of a subgraph open from their header. */
function EnterButton({ id }: { id: string }) {
  const { editor } = useWorkbench();
  const is = useEditorState((state) => {
    const { document } = activeTab(state);
    return document.definitions?.[activeDocument(state).nodes[id]?.type ?? ""] !== undefined;
  });
  if (!is) return null;
  return (
    <button type="button" className={css.enter} data-widget aria-label={t("Open subgraph")} title={t("Open subgraph")} onClick={() => editor.enter(id)}>
      <IconWindowMaximize size={14} />
    </button>
  );
}

function Rename({ id, title }: { id: string; title: string }) {
  const { editor } = useWorkbench();
  const close = () => editor.patchView({ renaming: null });
  return (
    <input
      className={css.rename}
      data-widget
      autoFocus
      aria-label={t("Node title")}
      defaultValue={title}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => {
        if (event.target.value.trim() !== title) editor.commit(setTitle(editor.document, id, event.target.value), "Rename node");
        close();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") close();
      }}
    />
  );
}

function Progress({ id }: { id: string }) {
  const share = useEditorState((state) => {
    const run = activeRun(state).nodes[id];
    return run?.state === "running" ? run.value / Math.max(1, run.max) : null;
  });
  if (share === null) return null;
  return (
    <span
      className={css.progress}
      role="progressbar"
      aria-label={t("Progress")}
      aria-valuenow={Math.round(share * 100)}
      style={{ transform: `scaleX(${Math.max(share, 0.02)})` }}
    />
  );
}
