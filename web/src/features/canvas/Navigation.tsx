import { IconFocusCentered, IconMap2, IconMinus, IconPlus } from "@tabler/icons-react";
import { runCommand } from "../../commands/registry";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Minimap } from "./Minimap";
import css from "./Navigation.module.css";

/** Zoom, fit and the minimap. */
export function Navigation() {
  const workbench = useWorkbench();
  const zoom = useEditorState((state) => Math.round(state.view.viewport.k * 100));
  const minimap = useEditorState((state) => state.view.minimap);
  const panel = useEditorState((state) => state.view.panel !== null);
  const run = (id: string) => () => runCommand(id, workbench);
  return (
    <div className={css.corner} data-panel={panel || undefined}>
      <Minimap />
      <div className={css.zoom} role="group" aria-label={t("View")}>
        <button type="button" aria-label={t("Zoom out")} onClick={run("view.zoom-out")}>
          <IconMinus size={15} />
        </button>
        <button type="button" className={css.percent} title={t("Zoom to 100 %")} onClick={run("view.actual")}>
          {zoom} %
        </button>
        <button type="button" aria-label={t("Zoom in")} onClick={run("view.zoom-in")}>
          <IconPlus size={15} />
        </button>
        <button type="button" aria-label={t("Fit to window")} title={t("Fit to window")} onClick={run("view.fit")}>
          <IconFocusCentered size={16} />
        </button>
        <button type="button" aria-label={t("Minimap")} aria-pressed={minimap} onClick={run("view.minimap")}>
          <IconMap2 size={16} />
        </button>
      </div>
    </div>
  );
}
