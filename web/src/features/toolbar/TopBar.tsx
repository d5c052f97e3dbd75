/** The bar above the canvas: documents on the left, running on the right. */
import { useEditorState } from "../../ui/context";
import { t } from "../../ui/i18n";
import { MissingNotice } from "../queue/MissingNotice";
import { AppMenu } from "./AppMenu";
import { RunButton } from "./RunButton";
import { Tabs } from "./Tabs";
import css from "./toolbar.module.css";

export function TopBar() {
  return (
    <header className={css.bar}>
      <div className={css.left}>
        <AppMenu />
        <Tabs />
      </div>
      <div className={css.right}>
        <ConnectionMark />
        <MissingNotice />
        <RunButton />
      </div>
    </header>
  );
}

function ConnectionMark() {
  const connection = useEditorState((state) => state.jobs.connection);
  const catalogue = useEditorState((state) => state.catalogue);
  if (connection === "lost")
    return (
      <span className={css.lost} role="status">
        <i aria-hidden="true" /> {t("Server lost, reconnecting…")}
      </span>
    );
  if (catalogue.state === "ready" && catalogue.packs === "loading")
    return (
      <span className={css.status} role="status">
        {t("Loading packs…")}
      </span>
    );
  if (catalogue.state === "loading") return <span className={css.status}>{t("Loading nodes…")}</span>;
  return null;
}
