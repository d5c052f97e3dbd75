import { IconArrowBackUp, IconBrush, IconBucketDroplet, IconContrast, IconEraser, IconFeather, IconTrash, IconX } from "@tabler/icons-react";
import { t } from "../../ui/i18n";
import css from "./mask.module.css";

export type Tool = "brush" | "eraser" | "fill";

interface Props {
  readonly tool: Tool;
  readonly radius: number;
  readonly soft: number;
  readonly canUndo: boolean;
  readonly busy: boolean;
  readonly onTool: (tool: Tool) => void;
  readonly onRadius: (radius: number) => void;
  readonly onSoft: (radius: number) => void;
  readonly onFeather: () => void;
  readonly onInvert: () => void;
  readonly onClear: () => void;
  readonly onUndo: () => void;
  readonly onSave: () => void;
  readonly onClose: () => void;
}

export function MaskTools(props: Props) {
  const { tool, radius, soft, canUndo, busy, onTool, onRadius, onSoft, onFeather, onInvert, onClear, onUndo, onSave, onClose } = props;
  const choose = (each: Tool, label: string, icon: React.ReactNode) => (
    <button type="button" aria-pressed={tool === each} disabled={busy} onClick={() => onTool(each)}>
      {icon} {label}
    </button>
  );
  return (
    <div className={css.tools} role="toolbar" aria-label={t("Mask tools")}>
      {choose("brush", t("Brush"), <IconBrush size={16} />)}
      {choose("eraser", t("Eraser"), <IconEraser size={16} />)}
      {choose("fill", t("Fill"), <IconBucketDroplet size={16} />)}
      <label>
        {t("Size")}
        <input type="range" min={1} max={300} value={radius} onChange={(event) => onRadius(event.target.valueAsNumber)} />
        <output>{radius}</output>
      </label>
      <label>
        {t("Soft edge")}
        <input type="range" min={1} max={100} value={soft} onChange={(event) => onSoft(event.target.valueAsNumber)} />
        <output>{soft}</output>
      </label>
      <button type="button" disabled={busy} onClick={onFeather}>
        <IconFeather size={16} /> {t("Feather")}
      </button>
      <button type="button" disabled={busy} onClick={onInvert}>
        <IconContrast size={16} /> {t("Invert")}
      </button>
      <button type="button" disabled={busy} onClick={onClear}>
        <IconTrash size={16} /> {t("Clear")}
      </button>
      <button type="button" disabled={busy || !canUndo} onClick={onUndo}>
        <IconArrowBackUp size={16} /> {t("Undo")}
      </button>
      <span className={css.gap} />
      <button type="button" className={css.save} disabled={busy} onClick={onSave}>
        {t("Save mask")}
      </button>
      <button type="button" aria-label={t("Close")} onClick={onClose}>
        <IconX size={17} />
      </button>
    </div>
  );
}
