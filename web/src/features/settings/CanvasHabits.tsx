import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Choice } from "./Choice";

export function CanvasHabits() {
  const { editor } = useWorkbench();
  const { wheel, drag, select, snap } = useEditorState((state) => state.settings);
  return (
    <>
      <Choice
        label={t("The wheel")}
        value={wheel}
        choices={[
          ["zoom", t("zooms")],
          ["scroll", t("scrolls; with Ctrl it zooms")],
        ]}
        onChoose={(next) => editor.changeSettings({ wheel: next })}
      />
      <Choice
        label={t("A drag on the empty canvas")}
        value={drag}
        choices={[
          ["pan", t("moves the view; with Shift it selects")],
          ["select", t("selects; with Shift or the middle button it moves the view")],
        ]}
        onChoose={(next) => editor.changeSettings({ drag: next })}
      />
      <Choice
        label={t("Selecting")}
        value={select}
        choices={[
          ["rectangle", t("with a rectangle; with Alt a lasso")],
          ["lasso", t("with a lasso; with Alt a rectangle")],
        ]}
        onChoose={(next) => editor.changeSettings({ select: next })}
      />
      <Choice
        label={t("Moved nodes")}
        value={snap ? "grid" : "free"}
        choices={[
          ["free", t("move freely; with Shift they keep to the grid")],
          ["grid", t("keep to the grid; with Shift they move freely")],
        ]}
        onChoose={(next) => editor.changeSettings({ snap: next === "grid" })}
      />
    </>
  );
}
