import { IconPhoto } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { api } from "../../api/client";
import type { TemplateItem } from "../../api/schema";
import { fuzzyMatch } from "../../core/fuzzy";
import { parseDocument } from "../../core/parse";
import { useEditorState, useWorkbench } from "../../ui/context";
import { Dialog } from "../../ui/Dialog";
import { t } from "../../ui/i18n";
import css from "./templates.module.css";

/** The workflows that come with the project, with pictures of what they make. */
export function TemplatesDialog() {
  const open = useEditorState((state) => state.view.templatesOpen);
  return open && <OpenTemplates />;
}

function OpenTemplates() {
  const { editor, session } = useWorkbench();
  const [templates, setTemplates] = useState<readonly TemplateItem[] | null>(null);
  const [query, setQuery] = useState("");
  useEffect(() => {
    void session.report(t("The templates could not be listed"), () => api.templates()).then((found) => setTemplates(found ?? []));
  }, [session]);
  const close = () => editor.patchView({ templatesOpen: false });
  const open = (template: TemplateItem) =>
    void session.report(t("The template could not be opened"), async () => {
      session.openDocument(parseDocument(await api.template(template.id)));
      close();
    });
  const shown = (templates ?? []).filter((template) => fuzzyMatch(query, `${template.name} ${template.description}`));
  return (
    <Dialog
      className={css.dialog}
      label={t("Templates")}
      onClose={close}
      tools={<input type="search" className={css.search} autoFocus aria-label={t("Search templates")} placeholder={t("Search templates")} value={query} onChange={(event) => setQuery(event.target.value)} />}
    >
      <div className={css.grid}>
        {shown.map((template) => (
          <button key={template.id} type="button" className={css.card} onClick={() => open(template)}>
            {template.picture === null ? (
              <span className={css.none}>
                <IconPhoto size={26} stroke={1.3} aria-hidden="true" />
              </span>
            ) : (
              <img src={template.picture} alt="" loading="lazy" />
            )}
            <b>{template.name}</b>
            <span>{template.description}</span>
          </button>
        ))}
        {templates !== null && shown.length === 0 && <p>{t("Nothing matches.")}</p>}
      </div>
    </Dialog>
  );
}
