import { useMemo } from "react";
import type { FormRecord } from "../../core/document";
import { formFields, formOutputs, setForm, withoutBlanks, suggestedForm } from "../../core/form";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import field from "../../ui/field.module.css";
import { t } from "../../ui/i18n";
import { FormChooser } from "./FormChooser";
import { FormEntries } from "./FormEntries";
import { FormSharing } from "./FormSharing";
import css from "./builder.module.css";

const NONE: FormRecord = {};

/** Chooses, orders and names what the form shows. */
export function FormBuilder() {
  const { editor } = useWorkbench();
  const root = useEditorState((state) => activeTab(state).document);
  const specs = useEditorState(() => editor.specs);
  const fields = useMemo(() => formFields(root, specs), [root, specs]);
  const outputs = useMemo(() => formOutputs(root, specs), [root, specs]);
  const { form } = root;
  const change = (next: FormRecord | undefined, label: string, mergeKey: string | null = null) => editor.commitRoot(setForm(editor.root, next), label, mergeKey);
  const edit = (part: Partial<FormRecord>) => change(withoutBlanks({ ...(form ?? NONE), ...part }), "Edit form", `form ${Object.keys(part).join()}`);
  if (!form)
    return (
      <div className={css.start}>
        <p>{t("A form shows the inputs you choose and the results, without the nodes. It can be shared as a link.")}</p>
        <button type="button" className={css.primary} onClick={() => change(suggestedForm(root, specs), "Make form")}>
          {t("Make a form")}
        </button>
      </div>
    );
  return (
    <div className={css.builder}>
      <label>
        {t("Title")}
        <input className={field.field} value={form.title ?? ""} placeholder={root.name} onChange={(event) => edit({ title: event.target.value })} />
      </label>
      <label>
        {t("Description")}
        <textarea className={field.field} rows={2} value={form.description ?? ""} onChange={(event) => edit({ description: event.target.value })} />
      </label>
      <FormEntries title={t("It asks for")} entries={form.inputs ?? []} named={(field) => fields.find((each) => each.field === field)?.input.name ?? null} onChange={(inputs) => edit({ inputs })} withHelp />
      <FormEntries title={t("It shows")} entries={form.outputs ?? []} named={(output) => outputs.find((each) => each.output === output)?.title ?? null} onChange={(outputs_) => edit({ outputs: outputs_ })} />
      <FormChooser form={form} onChange={edit} />
      <FormSharing />
      <button type="button" className={css.remove} onClick={() => change(undefined, "Remove form")}>
        {t("Remove the form")}
      </button>
    </div>
  );
}
