import { socketColor } from "../../canvas/socketColor";
import { type InputSpec, labelOf, type NodeSpec, outputKeys, visibleInputs } from "../../core/catalogue";
import { jsonText } from "../../core/document";
import { activeDocument } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Markdown } from "../../ui/Markdown";
import css from "./NodeHelp.module.css";

/** What the selected node does, made of its declaration and docstring. */
export function NodeHelp() {
  const { editor } = useWorkbench();
  const type = useEditorState((state) => {
    const [id] = state.view.selection;
    return id === undefined ? null : (activeDocument(state).nodes[id]?.type ?? null);
  });
  const spec = useEditorState(() => (type === null ? undefined : editor.specs[type]));
  if (!spec) return <p className={css.empty}>{type === null ? t("Select a node to read what it does.") : t("This server has no node type “{type}”.", { type })}</p>;
  return <HelpPage spec={spec} />;
}

function HelpPage({ spec }: { spec: NodeSpec }) {
  const inputs = visibleInputs(spec);
  const keys = outputKeys(spec);
  return (
    <article className={css.page}>
      <h3>{spec.display_name}</h3>
      <p className={css.id}>
        <code>{spec.id}</code> {spec.category}
      </p>
      {spec.deprecated && <p className={css.note}>{t("deprecated")}</p>}
      {spec.experimental && <p className={css.note}>{t("experimental")}</p>}
      <Markdown text={spec.description} />
      {inputs.length > 0 && <h4>{t("Inputs")}</h4>}
      <dl>
        {inputs.map((input) => (
          <InputHelp key={input.name} input={input} />
        ))}
      </dl>
      {spec.outputs.length > 0 && <h4>{t("Outputs")}</h4>}
      <dl>
        {spec.outputs.map((output, index) => (
          <div key={keys[index]}>
            <dt>
              <Dot type={output.type} /> {output.label ?? output.name} <small>{output.type}</small>
            </dt>
            {output.tooltip && <dd>{output.tooltip}</dd>}
          </div>
        ))}
      </dl>
    </article>
  );
}

function Dot({ type }: { type: string }) {
  return <i className={css.dot} style={{ background: socketColor(type, "var(--socket-l)") }} aria-hidden="true" />;
}

function InputHelp({ input }: { input: InputSpec }) {
  const { tooltip } = input.options;
  return (
    <div>
      <dt>
        <Dot type={input.type} /> {labelOf(input)} <small>{input.type}</small>
        {!input.required && <small> · {t("optional")}</small>}
      </dt>
      {typeof tooltip === "string" && <dd>{tooltip}</dd>}
      <dd className={css.facts}>{factsOf(input).join(" · ")}</dd>
    </div>
  );
}

/** Default, range and step in words. */
function factsOf(input: InputSpec): string[] {
  const { min, max } = input.options;
  const facts: string[] = [];
  if (input.default !== undefined && input.default !== "") facts.push(t("default {value}", { value: jsonText(input.default) }));
  if (min !== undefined && max !== undefined) facts.push(t("{min} to {max}", { min: jsonText(min), max: jsonText(max) }));
  if (input.choices) facts.push(input.choices.length === 1 ? t("1 choice") : t("{count} choices", { count: input.choices.length }));
  return facts;
}
