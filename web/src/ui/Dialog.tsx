import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import css from "./Dialog.module.css";
import { t } from "./i18n";
import { useModal } from "./useModal";

interface Props {
  readonly label: string;
  readonly onClose: () => void;
  /** Its size and how it lays out what is below the head. */
  readonly className: string | undefined;
  /** Between the title and the button that closes it. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

/** A room in the middle of the page with a title; Escape and a press outside close it. */
export function Dialog({ label, onClose, className, tools, children }: Props) {
  const dialog = useModal<HTMLDivElement>();
  return (
    <div className={css.backdrop} onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div ref={dialog} className={`${css.dialog} ${className}`} role="dialog" aria-modal="true" aria-label={label} tabIndex={-1} onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && onClose()}>
        <header className={css.head}>
          <h2>{label}</h2>
          {tools}
          <button type="button" aria-label={t("Close")} onClick={onClose}>
            <IconX size={17} />
          </button>
        </header>
        {children}
      </div>
    </div>
  );
}
