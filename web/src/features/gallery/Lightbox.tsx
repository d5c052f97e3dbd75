import { IconBinaryTree, IconCopy, IconDownload, IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { type FileRef, viewUrl } from "../../core/wire";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./gallery.module.css";

export function Lightbox() {
  const file = useEditorState((state) => state.view.lightbox);
  return file && <OpenLightbox file={file} />;
}

/** One picture large; its workflow can be opened, the picture copied or kept. */
function OpenLightbox({ file }: { file: FileRef }) {
  const { editor, session } = useWorkbench();
  const dialog = useRef<HTMLDivElement>(null);
  useEffect(() => {
    dialog.current?.focus();
  }, []);
  const url = viewUrl(file);
  const close = () => editor.patchView({ lightbox: null });
  const fetched = async () => (await fetch(url)).blob();
  const openWorkflow = () =>
    void session.report(t("The workflow could not be opened"), async () => {
      const blob = await fetched();
      close();
      await session.openFile(new File([blob], file.filename, { type: blob.type }));
    });
  const copy = () =>
    void session.report(t("The picture could not be copied"), async () => {
      const blob = await fetched();
      await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
      editor.notify("info", t("Copied"));
    });
  return (
    <div
      ref={dialog}
      className={css.lightbox}
      role="dialog"
      aria-modal="true"
      aria-label={file.filename}
      tabIndex={-1}
      onClick={(event) => event.target === event.currentTarget && close()}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <img className={css.large} src={url} alt={file.filename} />
      <div className={css.actions}>
        <span className={css.filename}>{file.filename}</span>
        <button type="button" onClick={openWorkflow}>
          <IconBinaryTree size={16} /> {t("Open its workflow")}
        </button>
        <button type="button" onClick={copy}>
          <IconCopy size={16} /> {t("Copy")}
        </button>
        <a href={url} download={file.filename}>
          <IconDownload size={16} /> {t("Download")}
        </a>
        <button type="button" aria-label={t("Close")} onClick={close}>
          <IconX size={16} />
        </button>
      </div>
    </div>
  );
}
