import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useModal } from "../../ui/useModal";
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
  const dialog = useModal<HTMLDivElement>();
  const [page, setPage] = useState<Page>("looks");
  const close = () => editor.patchView({ settingsOpen: false });
  return (
    <div className={css.backdrop} onPointerDown={(event) => event.target === event.currentTarget && close()}>
      <div ref={dialog} className={css.dialog} role="dialog" aria-modal="true" aria-label={t("Settings")} tabIndex={-1} onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && close()}>
        <header className={css.head}>
          <h2>{t("Settings")}</h2>
          <button type="button" aria-label={t("Close")} onClick={close}>
            <IconX size={17} />
          </button>
        </header>
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
      </div>
    </div>
  );
}
