import { useMemo } from "react";
import { type Candidate, candidates } from "../../core/form";
import type { FormRecord } from "../../core/document";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./builder.module.css";

interface Props {
  readonly form: FormRecord;
  readonly onChange: (part: Partial<FormRecord>) => void;
}

/** Every widget and every end of the workflow, with a mark on those that the form shows. */
export function FormChooser({ form, onChange }: Props) {
  const { editor } = useWorkbench();
  const root = useEditorState((state) => activeTab(state).document);
  const specs = useEditorState(() => editor.specs);
  const all = useMemo(() => candidates(root, specs), [root, specs]);
  return (
    <details className={css.chooser}>
      <summary>{t("Choose from the workflow")}</summary>
      {all.map((candidate) => (
        <NodeChoices key={candidate.node} candidate={candidate} form={form} onChange={onChange} />
      ))}
    </details>
  );
}

function NodeChoices({ candidate, form, onChange }: Props & { candidate: Candidate }) {
  const { inputs = [], outputs = [] } = form;
  const { node, title } = candidate;
  const asked = (input: string) => inputs.some((field) => field.node === node && field.input === input);
  const shown = outputs.some((output) => output.node === node);
  const toggleInput = (input: string) =>
    onChange({ inputs: asked(input) ? inputs.filter((field) => field.node !== node || field.input !== input) : [...inputs, { node, input }] });
  const toggleOutput = () => onChange({ outputs: shown ? outputs.filter((output) => output.node !== node) : [...outputs, { node }] });
  return (
    <fieldset>
      <legend>{title}</legend>
      {candidate.inputs.map((input) => (
        <label key={input.name}>
          <input type="checkbox" checked={asked(input.name)} onChange={() => toggleInput(input.name)} />
          {input.label ?? input.name}
        </label>
      ))}
      {candidate.shows && (
        <label>
          <input type="checkbox" checked={shown} onChange={toggleOutput} />
          {t("its results")}
        </label>
      )}
    </fieldset>
  );
}
