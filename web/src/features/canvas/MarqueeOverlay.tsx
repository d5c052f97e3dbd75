import { useEditorState } from "../../ui/context";
import css from "./CanvasView.module.css";

export function MarqueeOverlay() {
  const box = useEditorState((state) => state.view.marquee);
  const { x, y, k } = useEditorState((state) => state.view.viewport);
  if (!box) return null;
  const style = { left: box.x * k + x, top: box.y * k + y, width: box.w * k, height: box.h * k };
  return <div className={css.marquee} style={style} />;
}
