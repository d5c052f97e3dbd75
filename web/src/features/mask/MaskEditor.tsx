import { useEffect, useState } from "react";
import { createPortal } from "react-dom";
import type { Mask } from "../../core/mask";
import type { FileRef } from "../../core/wire";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useModal } from "../../ui/useModal";
import { MaskCanvas } from "./MaskCanvas";
import { MaskTools, type Tool } from "./MaskTools";
import css from "./mask.module.css";
import { maskOf, saveMask } from "./saveMask";

interface Props {
  readonly file: FileRef;
  readonly onSaved: (name: string) => void;
  readonly onClose: () => void;
}

/** Paints what of a picture is masked, and stores it as a new picture. */
export function MaskEditor({ file, onSaved, onClose }: Props) {
  const { session } = useWorkbench();
  const dialog = useModal<HTMLDivElement>();
  const [mask, setMask] = useState<Mask | null>(null);
  const [tool, setTool] = useState<Tool>("brush");
  const [radius, setRadius] = useState(24);
  const [soft, setSoft] = useState(8);
  /** Counts changes, because the mask itself stays the same object. */
  const [version, setVersion] = useState(0);
  const [saving, setSaving] = useState(false);

  useEffect(() => {
    void session.report(t("The picture could not be read"), () => maskOf(file)).then((read) => (read ? setMask(read) : onClose()));
    // The picture that the dialog was opened for stays the same while it is open.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const changed = () => setVersion((before) => before + 1);
  const change = (work: (mask: Mask) => void) => {
    if (!mask) return;
    mask.remember();
    work(mask);
    changed();
  };
  const undo = () => {
    mask?.undo();
    changed();
  };
  const save = async () => {
    if (!mask) return;
    setSaving(true);
    const name = await session.report(t("The mask could not be saved"), () => saveMask(file, mask));
    setSaving(false);
    if (name !== null) onSaved(name);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") onClose();
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else if (event.key === "[") setRadius(Math.max(1, Math.round(radius / 1.25)));
    else if (event.key === "]") setRadius(Math.min(300, Math.round(radius * 1.25) + 1));
    else return;
    event.preventDefault();
  };
  return createPortal(
    <div className={css.backdrop} data-widget>
      <div ref={dialog} className={css.dialog} role="dialog" aria-modal="true" aria-label={t("Mask of {name}", { name: file.filename })} tabIndex={-1} onKeyDown={onKeyDown}>
        <MaskTools
          {...{ tool, radius, soft }}
          canUndo={version >= 0 && mask?.canUndo === true}
          busy={saving || mask === null}
          onTool={setTool}
          onRadius={setRadius}
          onSoft={setSoft}
          onFeather={() => change((each) => each.feather(soft))}
          onInvert={() => change((each) => each.invert())}
          onClear={() => change((each) => each.clear())}
          onUndo={undo}
          onSave={() => void save()}
          onClose={onClose}
        />
        {mask ? <MaskCanvas {...{ file, mask, tool, radius, version }} onChanged={changed} /> : <p className={css.wait}>{t("Loading…")}</p>}
        <p className={css.hint}>{t("On the picture: arrow keys move the brush, Space paints, [ and ] change its size, Ctrl+Z takes back.")}</p>
      </div>
    </div>,
    document.body,
  );
}
