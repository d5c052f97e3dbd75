/** The workflow as a form: for people who never see its nodes. */
import { useMemo } from "react";
import { type Field, formFields, formOutputs } from "../../core/form";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { FormControl } from "./FormControl";
import { FormResults } from "./FormResults";
import { FormRun } from "./FormRun";
import css from "./form.module.css";

export function FormPage() {
  const { editor } = useWorkbench();
  const shown = useEditorState((state) => state.view.form);
  const root = useEditorState((state) => activeTab(state).document);
  const specs = useEditorState(() => editor.specs);
  const ready = useEditorState((state) => state.catalogue.state === "ready");
  const fields = useMemo(() => formFields(root, specs), [root, specs]);
  const outputs = useMemo(() => formOutputs(root, specs), [root, specs]);
  if (shown === "hidden") return null;
  return (
    <div className={css.page} data-alone={shown === "alone" || undefined} data-testid="form">
      <form className={css.form} aria-label={root.form?.title ?? root.name} onSubmit={(event) => event.preventDefault()}>
        <header>
          <h1>{root.form?.title ?? root.name}</h1>
          {root.form?.description && <p>{root.form.description}</p>}
        </header>
        {!root.form && <Empty alone={shown === "alone"} />}
        {!ready && <p role="status">{t("Loading nodes…")}</p>}
        {fields.map((field) => (
          <FormControl key={keyOf(field)} field={field} />
        ))}
        {root.form && <FormRun outputs={outputs} />}
      </form>
      {root.form && <FormResults outputs={outputs} />}
    </div>
  );
}

function keyOf({ field }: Field): string {
  return `${field.node} ${field.input}`;
}

function Empty({ alone }: { alone: boolean }) {
  const { editor } = useWorkbench();
  if (alone) return <p>{t("There is no form here.")}</p>;
  return (
    <div className={css.empty}>
      <p>{t("This workflow has no form yet. Choose which of its inputs and results people see.")}</p>
      <button type="button" onClick={() => editor.patchView({ panel: "form" })}>
        {t("Make a form")}
      </button>
    </div>
  );
}
