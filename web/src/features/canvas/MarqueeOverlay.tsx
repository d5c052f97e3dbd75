import { useEditorState } from "../../ui/context";
import css from "./CanvasView.module.css";

/** The line of a lasso. */
export function LassoOverlay() {
  const line = useEditorState((state) => state.view.lasso);
  const { x, y, k } = useEditorState((state) => state.view.viewport);
  if (!line) return null;
  return (
    <svg className={css.overlay} aria-hidden="true">
      <polygon className={css.lasso} points={line.map((point) => `${point.x * k + x},${point.y * k + y}`).join(" ")} />
    </svg>
  );
}

export function MarqueeOverlay() {
  const box = useEditorState((state) => state.view.marquee);
  const { x, y, k } = useEditorState((state) => state.view.viewport);
  if (!box) return null;
  const style = { left: box.x * k + x, top: box.y * k + y, width: box.w * k, height: box.h * k };
  return <div className={css.marquee} style={style} />;
}
