import { type Field } from "../../core/form";
import { inputEdit } from "../../store/inputEdit";
import { wholeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { Widget } from "../widgets/Widget";
import css from "./form.module.css";

/** One value of the form, edited by the control of its node. */
export function FormControl({ field }: { field: Field }) {
  const { editor } = useWorkbench();
  const { record, input, kind } = field;
  const problem = useEditorState((state) => {
    const found = wholeRun(state).problems.find((each) => each.node === field.field.node && each.input === field.field.input);
    return found ? `${found.what} ${found.fix}`.trim() : null;
  });
  const tall = kind === "multiline";
  return (
    <div className={css.field} data-field={`${field.field.node} ${field.field.input}`}>
      {(tall || kind === "upload") && (
        <span className={css.label} aria-hidden="true">
          {input.label}
        </span>
      )}
      <div className={css.control} data-tall={tall || undefined}>
        <Widget edit={inputEdit(editor, field.path, field.id, field.field.input)} record={record} input={input} kind={kind} problem={problem} />
      </div>
      {field.field.help && <p className={css.help}>{field.field.help}</p>}
      {problem !== null && (
        <p className={css.problem} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
