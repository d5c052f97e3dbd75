import { IconArrowBarToDown, IconBinaryTree, IconColumns2, IconCopy, IconDownload, IconInfoCircle, IconShieldCheck, IconX } from "@tabler/icons-react";
import { download } from "../../commands/export";
import { withoutMetadata } from "../../core/pictureMetadata";
import { type FileRef, mediumOf, viewUrl } from "../../core/wire";
import { copyToInputs, setAsInput } from "../../session/reuse";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./gallery.module.css";

interface Props {
  readonly file: FileRef;
  readonly onClose: () => void;
  readonly facts: boolean;
  readonly onFacts: () => void;
  readonly comparing: boolean;
  /** Null when there is nothing to compare with. */
  readonly onCompare: (() => void) | null;
}

/** What can be done with the picture. */
export function LightboxActions({ file, onClose, facts, onFacts, comparing, onCompare }: Props) {
  const { editor, session } = useWorkbench();
  const url = viewUrl(file);
  const fetched = async () => (await fetch(url)).blob();
  const openWorkflow = () =>
    void session.report(t("The workflow could not be opened"), async () => {
      const blob = await fetched();
      onClose();
      await session.openFile(new File([blob], file.filename, { type: blob.type }));
    });
  const copy = () =>
    void session.report(t("The picture could not be copied"), async () => {
      const blob = await fetched();
      await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
      editor.notify("info", t("Copied"));
    });
  const reuse = () =>
    void session.report(t("The picture could not be used as an input"), async () => {
      const name = await copyToInputs(file);
      await session.catalogue.load(); // its choices name the new file
      setAsInput(editor, name);
      onClose();
      if (editor.isNarrow) editor.patchView({ panel: null }); // it would cover the node
    });
  const bare = () =>
    void session.report(t("The picture could not be downloaded"), async () => {
      const blob = await fetched();
      const stripped = withoutMetadata(new Uint8Array(await blob.arrayBuffer()));
      if (stripped === null) throw new Error(t("Only PNG, JPEG and WebP files can be freed of their metadata."));
      download(file.filename, new Blob([stripped], { type: blob.type }));
    });
  return (
    <div className={css.actions}>
      <span className={css.filename}>{file.filename}</span>
      {onCompare && (
        <button type="button" aria-pressed={comparing} onClick={onCompare}>
          <IconColumns2 size={16} /> {t("Compare")}
        </button>
      )}
      <button type="button" aria-pressed={facts} onClick={onFacts}>
        <IconInfoCircle size={16} /> {t("How it was made")}
      </button>
      <button type="button" onClick={openWorkflow}>
        <IconBinaryTree size={16} /> {t("Open its workflow")}
      </button>
      {mediumOf(file) === "picture" && (
        <>
          <button type="button" onClick={reuse}>
            <IconArrowBarToDown size={16} /> {t("Use as input")}
          </button>
          <button type="button" onClick={copy}>
            <IconCopy size={16} /> {t("Copy")}
          </button>
        </>
      )}
      <a href={url} download={file.filename}>
        <IconDownload size={16} /> {t("Download")}
      </a>
      {mediumOf(file) === "picture" && (
        <button type="button" title={t("Download without the workflow and other texts in the file")} onClick={bare}>
          <IconShieldCheck size={16} /> {t("Without metadata")}
        </button>
      )}
      <button type="button" aria-label={t("Close")} onClick={onClose}>
        <IconX size={16} />
      </button>
    </div>
  );
}
