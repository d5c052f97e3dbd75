import { bend } from "../../canvas/curve";
import { socketColor } from "../../canvas/socketColor";
import { useEditorState, useWorkbench } from "../../ui/context";
import css from "./CanvasView.module.css";

/** The link being drawn, above everything. */
export function LinkOverlay() {
  const { editor } = useWorkbench();
  const drag = useEditorState((state) => state.view.linkDrag);
  const view = useEditorState((state) => state.view.viewport);
  if (!drag) return null;
  const fixedNode = editor.scene.nodes.get((drag.from ?? drag.to)?.node ?? "");
  if (!fixedNode) return null;
  const fixed = drag.from
    ? editor.scene.outputPoint(fixedNode, drag.from.output)
    : editor.scene.inputPoint(fixedNode, drag.to?.input ?? "");
  const [a, b] = drag.from ? [fixed, drag.at] : [drag.at, fixed];
  const reach = bend(a, b);
  const colour = socketColor(drag.type, "var(--socket-l)");
  const path = `M ${a.x} ${a.y} C ${a.x + reach} ${a.y} ${b.x - reach} ${b.y} ${b.x} ${b.y}`;
  return (
    <>
      <svg className={css.overlay} aria-hidden="true">
        <g transform={`translate(${view.x} ${view.y}) scale(${view.k})`}>
          <path className={css.drag} d={path} style={{ stroke: colour }} />
          <circle className={css.end} cx={drag.at.x} cy={drag.at.y} r={drag.snapped ? 8 : 5} style={{ fill: colour }} />
        </g>
      </svg>
      {drag.refusal && (
        <div className={css.refusal} role="status" style={{ left: drag.at.x * view.k + view.x, top: drag.at.y * view.k + view.y }}>
          {drag.refusal}
        </div>
      )}
    </>
  );
}
