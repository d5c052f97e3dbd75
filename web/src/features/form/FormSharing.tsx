import { linkTo, shareForm, stopSharing } from "../../session/sharing";
import { activeTab } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./builder.module.css";

/** False where the browser keeps the clipboard from the page: without permission, or without https off this machine. */
async function copied(text: string): Promise<boolean> {
  if (!window.isSecureContext) return false;
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

/** A link that shows just the form, and taking it back. */
export function FormSharing() {
  const { editor, session } = useWorkbench();
  const shared = useEditorState((state) => activeTab(state).shared);
  const share = () =>
    void session.report(t("The form could not be shared"), async () => {
      const link = await shareForm(editor);
      editor.notify("info", (await copied(link)) ? t("Link copied") : t("The form is shared"), link);
    });
  const stop = () => void session.report(t("The form is still shared"), () => stopSharing(editor));
  return (
    <section aria-label={t("Sharing")} className={css.sharing}>
      <h3>{t("Sharing")}</h3>
      <div className={css.buttons}>
        <button type="button" onClick={() => editor.patchView({ form: "shown" })}>
          {t("Show the form")}
        </button>
        <button type="button" className={css.primary} onClick={share}>
          {shared === null ? t("Share a link") : t("Share the changes")}
        </button>
        {shared !== null && (
          <button type="button" onClick={stop}>
            {t("Stop sharing")}
          </button>
        )}
      </div>
      {shared !== null && (
        <a className={css.link} href={linkTo(shared)} target="_blank" rel="noreferrer">
          {linkTo(shared)}
        </a>
      )}
    </section>
  );
}
