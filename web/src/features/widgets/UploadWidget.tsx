import { IconBrush, IconUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { api } from "../../api/client";
import { jsonText } from "../../core/document";
import { fileOfValue } from "../../core/pictureRef";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { MaskEditor } from "../mask/MaskEditor";
import { ChoiceWidget } from "./ChoiceWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** A picture from the input folder; a dropped, pasted or picked file is uploaded first. */
export function UploadWidget({ input, value, problem, onChange }: ControlProps<string>) {
  const { session } = useWorkbench();
  const picker = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [masking, setMasking] = useState(false);
  const take = async (name: string) => {
    await session.catalogue.load(); // its choices name the new file
    onChange(name);
  };
  const upload = (file: File | undefined) => {
    if (!file) return;
    void session.report(t("{name} could not be uploaded", { name: file.name }), async () => {
      const stored = await api.upload(file);
      await take(stored.subfolder ? `${stored.subfolder}/${stored.filename}` : stored.filename);
    });
  };
  return (
    <div
      className={css.upload}
      data-widget
      data-over={over || undefined}
      data-drop
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        upload(event.dataTransfer.files[0]);
      }}
      onPaste={(event) => upload(event.clipboardData.files[0])}
    >
      <ChoiceWidget input={input} value={value} problem={problem} onChange={(next) => onChange(jsonText(next))} />
      <button type="button" className={css.pick} aria-label={t("Upload a picture")} title={t("Upload a picture")} onClick={() => picker.current?.click()}>
        <IconUpload size={14} />
      </button>
      <button type="button" className={css.mask} disabled={value === ""} aria-label={t("Paint a mask")} title={t("Paint a mask")} onClick={() => setMasking(true)}>
        <IconBrush size={14} />
      </button>
      {masking && (
        <MaskEditor
          file={fileOfValue(value)}
          onClose={() => setMasking(false)}
          onSaved={(name) => {
            setMasking(false);
            void take(name);
          }}
        />
      )}
      <input ref={picker} type="file" accept="image/*" hidden onChange={(event) => upload(event.target.files?.[0])} />
    </div>
  );
}
