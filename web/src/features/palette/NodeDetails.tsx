import { socketColor } from "../../canvas/socketColor";
import { type NodeSpec, visibleInputs } from "../../core/catalogue";
import { t } from "../../ui/i18n";
import css from "./palette.module.css";

function Dot({ type }: { type: string }) {
  return <i className={css.dot} style={{ background: socketColor(type, "var(--socket-l)") }} />;
}

/** What a node does and which sockets it has. */
export function NodeDetails({ spec }: { spec: NodeSpec }) {
  const inputs = visibleInputs(spec);
  const sockets = inputs.filter((input) => !input.widget);
  const widgets = inputs.filter((input) => input.widget);
  return (
    <aside className={css.aside}>
      <h3 className={css.title}>{spec.display_name}</h3>
      <p className={css.about}>{spec.description || spec.category}</p>
      <div className={css.sockets}>
        <ul>
          {sockets.map((input) => (
            <li key={input.name}>
              <Dot type={input.type} /> {input.name}
            </li>
          ))}
        </ul>
        <ul className={css.right}>
          {spec.outputs.map((output, index) => (
            <li key={index}>
              {output.name} <Dot type={output.type} />
            </li>
          ))}
        </ul>
      </div>
      {widgets.length > 0 && <p className={css.widgets}>{t("Set here: {names}", { names: widgets.map((input) => input.name).join(", ") })}</p>}
    </aside>
  );
}
