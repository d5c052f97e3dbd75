import { IconX } from "@tabler/icons-react";
import { useEffect } from "react";
import type { Notice } from "../store/state";
import { useEditorState, useWorkbench } from "./context";
import { t } from "./i18n";
import css from "./Notices.module.css";

const SHOWN_MS = 8000;

export function Notices() {
  const notices = useEditorState((state) => state.view.notices);
  return (
    <div className={css.list} aria-live="polite">
      {notices.map((notice) => (
        <NoticeCard key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeCard({ notice }: { notice: Notice }) {
  const { editor } = useWorkbench();
  useEffect(() => {
    const timer = window.setTimeout(() => editor.dismiss(notice.id), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [editor, notice.id]);
  return (
    <div className={css.notice} data-tone={notice.tone} role={notice.tone === "error" ? "alert" : "status"}>
      <div>
        <b>{notice.title}</b>
        {notice.text && <p>{notice.text}</p>}
      </div>
      <button type="button" aria-label={t("Dismiss")} onClick={() => editor.dismiss(notice.id)}>
        <IconX size={14} />
      </button>
    </div>
  );
}
