import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { type FileRef, keyOfFile, mediumOf } from "../../core/wire";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Media, Thumbnail } from "../../ui/Media";
import { useModal } from "../../ui/useModal";
import { CompareSlider } from "../../ui/CompareSlider";
import css from "./gallery.module.css";
import { LightboxActions } from "./LightboxActions";
import { PictureFacts } from "./PictureFacts";

export function Lightbox() {
  const file = useEditorState((state) => state.view.lightbox);
  return file && <OpenLightbox file={file} />;
}

/** The pictures beside this one: those of the gallery it was opened from, otherwise of the newest jobs. */
function useShelf(file: FileRef): readonly FileRef[] {
  const given = useEditorState((state) => state.view.shelf);
  const rows = useEditorState((state) => state.jobs.rows);
  return useMemo(() => {
    const newest = Object.values(rows)
      .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0))
      .flatMap((row) => row.images);
    const holds = (files: readonly FileRef[]) => files.some((each) => keyOfFile(each) === keyOfFile(file));
    return [given, newest].find(holds) ?? [file, ...newest];
  }, [given, rows, file]);
}

/** One picture large, or two on top of each other; what can be done with it below. */
function OpenLightbox({ file }: { file: FileRef }) {
  const { editor } = useWorkbench();
  const dialog = useModal<HTMLDivElement>();
  const shelf = useShelf(file);
  const [other, setOther] = useState<FileRef | null>(null);
  const [comparing, setComparing] = useState(false);
  const [facts, setFacts] = useState(false);
  const at = shelf.findIndex((each) => keyOfFile(each) === keyOfFile(file));
  const close = () => editor.patchView({ lightbox: null, shelf: [] });
  const step = (by: number) => {
    const next = shelf[at + by];
    if (next) editor.patchView({ lightbox: next });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape") close();
    const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLMediaElement;
    if (!inField && event.key === "ArrowLeft") step(-1);
    if (!inField && event.key === "ArrowRight") step(1);
  };
  const pictures = mediumOf(file) === "picture" ? shelf.filter((each) => each !== file && mediumOf(each) === "picture") : [];
  const near = [shelf[at + 1], shelf[at - 1], ...pictures].find((each) => each && pictures.includes(each));
  const compared = comparing ? (other ?? near ?? null) : null;
  return (
    <div ref={dialog} className={css.lightbox} role="dialog" aria-modal="true" aria-label={file.filename} tabIndex={-1} onClick={(event) => event.target === event.currentTarget && close()} onKeyDown={onKeyDown}>
      {compared ? <CompareSlider before={file} after={compared} /> : <Media file={file} className={css.large} />}
      {compared === null && at > 0 && (
        <button type="button" className={css.previous} aria-label={t("Previous picture")} onClick={() => step(-1)}>
          <IconChevronLeft size={22} />
        </button>
      )}
      {compared === null && at < shelf.length - 1 && (
        <button type="button" className={css.next} aria-label={t("Next picture")} onClick={() => step(1)}>
          <IconChevronRight size={22} />
        </button>
      )}
      {facts && <PictureFacts file={file} />}
      {comparing && <Strip shelf={pictures} chosen={compared} onChoose={setOther} />}
      <LightboxActions
        file={file}
        onClose={close}
        facts={facts}
        onFacts={() => setFacts(!facts)}
        comparing={comparing}
        onCompare={pictures.length > 0 ? () => setComparing(!comparing) : null}
      />
    </div>
  );
}

/** Which picture is compared with the shown one. */
function Strip({ shelf, chosen, onChoose }: { shelf: readonly FileRef[]; chosen: FileRef | null; onChoose: (file: FileRef) => void }) {
  return (
    <div className={css.strip} role="group" aria-label={t("Compare with")}>
      {shelf.slice(0, 30).map((each) => (
        <button key={keyOfFile(each)} type="button" aria-pressed={each === chosen} aria-label={t("Compare with {name}", { name: each.filename })} onClick={() => onChoose(each)}>
          <Thumbnail file={each} />
        </button>
      ))}
    </div>
  );
}
