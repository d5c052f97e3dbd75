/** The control for one input, made from its declaration. */
import type { InputSpec, WidgetKind } from "../../core/catalogue";
import { type Json, jsonText, literalOf, type NodeRecord, type SeedControl } from "../../core/document";
import { ChoiceWidget } from "./ChoiceWidget";
import { ColourWidget } from "./ColourWidget";
import { CurveWidget } from "./CurveWidget";
import type { NumberValue } from "./number";
import { MultilineWidget } from "./MultilineWidget";
import { NumberWidget } from "./NumberWidget";
import { PackWidget } from "./PackWidget";
import { ResetButton, resetValue } from "./ResetButton";
import { SliderWidget } from "./SliderWidget";
import { TextWidget } from "./TextWidget";
import { ToggleWidget } from "./ToggleWidget";
import { UploadWidget } from "./UploadWidget";
import { valueProblem } from "./valueProblem";
import css from "./widgets.module.css";

/** What a control does to the document, wherever it is shown. */
export interface InputEdit {
  readonly value: (next: Json) => void;
  readonly control: (next: SeedControl) => void;
}
interface Props {
  readonly edit: InputEdit;
  readonly record: NodeRecord;
  readonly input: InputSpec;
  readonly kind: WidgetKind;
  readonly problem: string | null;
}
/** What every control is given. */
export interface ControlProps<T> {
  readonly input: InputSpec;
  readonly value: T;
  readonly problem: string | null;
  readonly onChange: (value: T) => void;
}

/** The control, and beside it what brings its default back; Alt+Backspace does the same. */
export function Widget(props: Props) {
  const { edit, record, input, kind } = props;
  const value = literalOf(record.inputs[input.name]) ?? input.default;
  const problem = props.problem ?? valueProblem(input, kind, value);
  const reset = resetValue(input, value);
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (reset === undefined || !event.altKey || event.key !== "Backspace") return;
    event.preventDefault();
    event.stopPropagation();
    edit.value(reset);
  };
  return (
    <div className={css.control} onKeyDownCapture={onKeyDown}>
      <Control {...props} problem={problem} />
      {problem !== null && <span className={css.reason}>{problem}</span>}
      {reset !== undefined && <ResetButton input={input} to={reset} onChange={edit.value} />}
    </div>
  );
}

function Control({ edit, record, input, kind, problem }: Props) {
  const value = literalOf(record.inputs[input.name]) ?? input.default;
  const onChange = edit.value;
  switch (kind) {
    case "int":
    case "float":
      return <NumberWidget control={record.controls?.[input.name]} onControl={edit.control} input={input} value={toNumber(value)} problem={problem} onChange={onChange} />;
    case "slider":
      return <SliderWidget input={input} value={toNumber(value)} problem={problem} onChange={onChange} />;
    case "colour":
      return <ColourWidget input={input} value={value ?? ""} problem={problem} onChange={onChange} />;
    case "curve":
      return <CurveWidget input={input} value={value ?? null} problem={problem} onChange={onChange} />;
    case "toggle":
      return <ToggleWidget input={input} value={value === true} problem={problem} onChange={onChange} />;
    case "choice":
      return <ChoiceWidget input={input} value={value ?? ""} problem={problem} onChange={onChange} />;
    case "upload":
      return <UploadWidget input={input} value={toText(value)} problem={problem} onChange={onChange} />;
    case "extension":
      return <PackWidget input={input} value={value ?? null} problem={problem} onChange={onChange} />;
    case "multiline":
      return <MultilineWidget input={input} value={toText(value)} problem={problem} onChange={onChange} />;
    case "text":
    case "unknown":
      return <TextWidget input={input} value={toText(value)} problem={problem} onChange={onChange} />;
  }
}

function toNumber(value: Json | undefined): NumberValue {
  return typeof value === "number" || typeof value === "bigint" ? value : Number(value ?? 0) || 0;
}

function toText(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : jsonText(value);
}
