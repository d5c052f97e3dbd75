import { useState } from "react";
import { useEditorState, useWorkbench } from "../../ui/context";
import { Dialog } from "../../ui/Dialog";
import { t } from "../../ui/i18n";
import { CanvasHabits } from "./CanvasHabits";
import { KeyBindings } from "./KeyBindings";
import { Looks } from "./Looks";
import css from "./settings.module.css";

const PAGES = ["looks", "canvas", "keys"] as const;
type Page = (typeof PAGES)[number];

function nameOf(page: Page): string {
  switch (page) {
    case "looks":
      return t("Looks and language");
    case "canvas":
      return t("Canvas");
    case "keys":
      return t("Keys");
  }
}

export function SettingsDialog() {
  const open = useEditorState((state) => state.view.settingsOpen);
  return open && <OpenSettings />;
}

function OpenSettings() {
  const { editor } = useWorkbench();
  const [page, setPage] = useState<Page>("looks");
  const close = () => editor.patchView({ settingsOpen: false });
  return (
    <Dialog className={css.dialog} label={t("Settings")} onClose={close}>
      <nav className={css.pages} aria-label={t("Settings")}>
        {PAGES.map((each) => (
          <button key={each} type="button" aria-current={each === page ? "page" : undefined} onClick={() => setPage(each)}>
            {nameOf(each)}
          </button>
        ))}
      </nav>
      <div className={css.body}>
        {page === "looks" && <Looks />}
        {page === "canvas" && <CanvasHabits />}
        {page === "keys" && <KeyBindings />}
      </div>
    </Dialog>
  );
}
