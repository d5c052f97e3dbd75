import { useMemo } from "react";
import { viewUrl } from "../../core/wire";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./gallery.module.css";

/** All pictures of the listed jobs, newest first. */
export function GalleryPanel() {
  const { editor } = useWorkbench();
  const rows = useEditorState((state) => state.jobs.rows);
  const files = useMemo(
    () =>
      Object.values(rows)
        .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0))
        .flatMap((row) => row.images),
    [rows],
  );
  if (files.length === 0) return <p className={css.empty}>{t("Finished pictures appear here.")}</p>;
  return (
    <div className={css.grid}>
      {files.map((file) => (
        <button key={`${file.type}/${file.subfolder}/${file.filename}`} type="button" className={css.tile} aria-label={t("Show {name} large", { name: file.filename })} onClick={() => editor.patchView({ lightbox: file })}>
          <img src={viewUrl(file)} alt={file.filename} loading="lazy" />
        </button>
      ))}
    </div>
  );
}
