import { IconPencil, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { change } from "../../core/diff";
import type { BoxTuple, Note } from "../../core/document";
import { activeDocument } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { Markdown } from "../../ui/Markdown";
import css from "./NotesLayer.module.css";

const NONE: readonly Note[] = [];
const LEAST = { w: 120, h: 70 };

/** Notes: text on the canvas that runs nothing. */
export function NotesLayer() {
  const notes = useEditorState((state) => activeDocument(state).layout.notes ?? NONE);
  return notes.map((note) => <NoteCard key={note.id} note={note} />);
}

function NoteCard({ note }: { note: Note }) {
  const { editor } = useWorkbench();
  const [editing, setEditing] = useState(note.text === "");
  const [x, y, w, h] = note.box;
  const edit = (part: Partial<Note> | null, label: string) => {
    const notes = (editor.document.layout.notes ?? []).flatMap((other) => {
      if (other.id !== note.id) return [other];
      return part ? [{ ...other, ...part }] : [];
    });
    editor.commit(change(editor.document, { notes: notes.length ? notes : undefined }), label, `note ${note.id}`);
  };
  /** A drag that changes the box, by how far the pointer went in graph units. */
  const dragging = (next: (dx: number, dy: number) => BoxTuple, label: string) => (event: React.PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    const { k } = editor.viewport;
    const from = { x: event.clientX, y: event.clientY };
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) => edit({ box: next(Math.round((move.clientX - from.x) / k), Math.round((move.clientY - from.y) / k)) }, label);
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = null;
    };
  };
  const move = dragging((dx, dy) => [x + dx, y + dy, w, h], "Move note");
  const resize = dragging((dx, dy) => [x, y, Math.max(LEAST.w, w + dx), Math.max(LEAST.h, h + dy)], "Resize note");
  return (
    <section className={css.note} aria-label={t("Note")} data-widget style={{ transform: `translate(${x}px, ${y}px)`, width: w, height: h }}>
      <header className={css.head} onPointerDown={move}>
        <span>{note.title ?? t("Note")}</span>
        <button type="button" aria-label={t("Edit note")} aria-pressed={editing} onPointerDown={(event) => event.stopPropagation()} onClick={() => setEditing(!editing)}>
          <IconPencil size={13} />
        </button>
        <button type="button" aria-label={t("Delete note")} onPointerDown={(event) => event.stopPropagation()} onClick={() => edit(null, "Delete note")}>
          <IconX size={13} />
        </button>
      </header>
      {editing ? (
        <textarea
          className={css.text}
          autoFocus
          aria-label={t("Note text")}
          placeholder={t("# Heading, **strong**, *emphasis*, `code`, - list")}
          value={note.text}
          onChange={(event) => edit({ text: event.target.value, markdown: true }, "Edit note")}
          onBlur={() => setEditing(note.text === "")}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
      ) : (
        <div className={css.shown} data-scrolls onDoubleClick={() => setEditing(true)}>
          {note.markdown ? <Markdown text={note.text} /> : <p>{note.text}</p>}
        </div>
      )}
      <span className={css.corner} aria-hidden="true" onPointerDown={resize} />
    </section>
  );
}
