import { inputKey, outputKey } from "../../canvas/gestures/link";
import type { OutputRow } from "../../canvas/face";
import { socketColor } from "../../canvas/socketColor";
import { type InputSpec, labelOf } from "../../core/catalogue";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./Socket.module.css";

type Fit = "idle" | "fits" | "snapped" | "dimmed";

/** How a socket looks while a link is being drawn. */
function useFit(key: string): Fit {
  return useEditorState(({ view: { linkDrag } }) => {
    if (!linkDrag) return "idle";
    if (linkDrag.snapped === key) return "snapped";
    return linkDrag.fitting.has(key) ? "fits" : "dimmed";
  });
}

interface InputProps {
  readonly node: string;
  readonly input: InputSpec;
  readonly linked: boolean;
  readonly labelled: boolean;
}

export function InputSocket({ node, input, linked, labelled }: InputProps) {
  const { editor } = useWorkbench();
  const fit = useFit(inputKey(node, input.name));
  const reachable = useEditorState((state) => state.view.selection.has(node));
  const missing = input.required && !input.widget && !linked;
  return (
    <span className={css.input} data-fit={fit}>
      <button
        type="button"
        className={css.dot}
        tabIndex={reachable ? 0 : -1}
        data-socket="input"
        data-widget-socket={input.widget || undefined}
        data-linked={linked || undefined}
        data-list={input.mode === "many" || undefined}
        aria-label={t("Input {name}, {type}", { name: labelOf(input), type: input.type }) + (linked ? `, ${t("linked")}` : "")}
        style={{ "--socket": socketColor(input.type, "var(--socket-l)") } as React.CSSProperties}
        onClick={() => editor.patchView({ connecting: { from: null, to: { node, input: input.name }, type: input.type } })}
      />
      {labelled && (
        <span className={css.label} data-missing={missing || undefined}>
          {labelOf(input)}
        </span>
      )}
    </span>
  );
}

export function OutputSocket({ node, output }: { node: string; output: OutputRow }) {
  const { editor } = useWorkbench();
  const fit = useFit(outputKey(node, output.key));
  const reachable = useEditorState((state) => state.view.selection.has(node));
  return (
    <span className={css.output} data-fit={fit}>
      <span className={css.label}>{output.label}</span>
      <button
        type="button"
        className={css.dot}
        tabIndex={reachable ? 0 : -1}
        data-socket="output"
        data-linked
        aria-label={t("Output {name}, {type}", { name: output.key, type: output.type })}
        style={{ "--socket": socketColor(output.type, "var(--socket-l)") } as React.CSSProperties}
        onClick={() => editor.patchView({ connecting: { from: { node, output: output.key }, to: null, type: output.type } })}
      />
    </span>
  );
}
