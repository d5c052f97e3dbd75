import { useRef } from "react";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./versions.module.css";

/** Compares the shown workflow with another that is open, or with a file. */
export function CompareWith() {
  const { editor, session } = useWorkbench();
  const picker = useRef<HTMLInputElement>(null);
  const tabs = useEditorState((state) => state.document.tabs);
  const active = useEditorState((state) => state.document.active);
  const others = tabs.filter(({ id }) => id !== active);
  const show = (label: string, document: (typeof tabs)[number]["document"]) =>
    editor.patchView({ comparing: { before: { label, document }, after: { label: editor.root.name, document: editor.root } } });
  const withFile = (file: File | undefined) => {
    if (!file) return;
    void session.report(t("{name} could not be opened", { name: file.name }), async () => show(file.name, (await session.readFile(file)).document));
  };
  return (
    <div className={css.with}>
      <select
        aria-label={t("Compare with another open workflow")}
        value=""
        disabled={others.length === 0}
        onChange={(event) => {
          const tab = others.find(({ id }) => id === event.target.value);
          if (tab) show(tab.document.name, tab.document);
        }}
      >
        <option value="">{t("Compare with another…")}</option>
        {others.map((tab) => (
          <option key={tab.id} value={tab.id}>
            {tab.document.name || t("Untitled")}
          </option>
        ))}
      </select>
      <button type="button" onClick={() => picker.current?.click()}>
        {t("Compare with a file…")}
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label={t("Compare with a file…")}
        onChange={(event) => {
          withFile(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
    </div>
  );
}
