import { change } from "../../core/diff";
import type { Note } from "../../core/document";
import { activeDocument } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./NotesLayer.module.css";

const NONE: readonly Note[] = [];

/** Notes: text on the canvas that runs nothing. */
export function NotesLayer() {
  const notes = useEditorState((state) => activeDocument(state).layout.notes ?? NONE);
  return notes.map((note) => <NoteCard key={note.id} note={note} />);
}

function NoteCard({ note }: { note: Note }) {
  const { editor } = useWorkbench();
  const [x, y, w, h] = note.box;
  const edit = (part: Partial<Note> | null, label: string) => {
    const notes = (editor.document.layout.notes ?? []).flatMap((other) => {
      if (other.id !== note.id) return [other];
      return part ? [{ ...other, ...part }] : [];
    });
    editor.commit(change(editor.document, { notes: notes.length ? notes : undefined }), label, `note ${note.id}`);
  };
  const drag = (event: React.PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    const { k } = editor.viewport;
    const from = { x: event.clientX, y: event.clientY };
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) =>
      edit({ box: [Math.round(x + (move.clientX - from.x) / k), Math.round(y + (move.clientY - from.y) / k), w, h] }, "Move note");
    handle.onpointerup = () => {
      handle.onpointermove = null;
    };
  };
  return (
    <section className={css.note} aria-label={t("Note")} data-widget style={{ transform: `translate(${x}px, ${y}px)`, width: w, height: h }}>
      <header className={css.head} onPointerDown={drag}>
        <span>{note.title ?? t("Note")}</span>
        <button type="button" aria-label={t("Delete note")} onClick={() => edit(null, "Delete note")}>
          ×
        </button>
      </header>
      <textarea
        className={css.text}
        aria-label={t("Note text")}
        value={note.text}
        onChange={(event) => edit({ text: event.target.value }, "Edit note")}
      />
    </section>
  );
}
