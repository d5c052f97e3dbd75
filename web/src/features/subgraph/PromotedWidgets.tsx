import { useMemo } from "react";
import { type InnerWidget, innerWidgets, setPromoted } from "../../store/subgraphs";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./subgraph.module.css";

function grouped(widgets: readonly InnerWidget[]): ReadonlyMap<string, readonly InnerWidget[]> {
  const groups = new Map<string, InnerWidget[]>();
  for (const widget of widgets) {
    const group = groups.get(widget.node);
    if (group) group.push(widget);
    else groups.set(widget.node, [widget]);
  }
  return groups;
}

/** Which widgets inside are also shown on every instance. */
export function PromotedWidgets({ id }: { id: string }) {
  const { editor } = useWorkbench();
  const root = useEditorState((state) => activeTab(state).document);
  const specs = useEditorState(() => editor.specs);
  const byNode = useMemo(() => grouped(innerWidgets(root, specs, id)), [root, specs, id]);
  const toggle = (widget: InnerWidget) =>
    editor.commitRoot(setPromoted(editor.root, editor.specs, id, widget), widget.promoted ? "Take widget back inside" : "Promote widget");
  if (byNode.size === 0) return null;
  return (
    <section className={css.section} aria-label={t("Widgets on the outside")}>
      <h3>{t("Widgets on the outside")}</h3>
      {[...byNode].map(([node, widgets]) => (
        <fieldset key={node} className={css.widgets}>
          <legend>{widgets[0]?.title}</legend>
          {widgets.map((widget) => (
            <label key={widget.input}>
              <input type="checkbox" checked={widget.promoted} onChange={() => toggle(widget)} />
              {widget.label}
            </label>
          ))}
        </fieldset>
      ))}
    </section>
  );
}
