/** A search field with a list below it, worked by pointer or keys. */
import { type ReactNode, useEffect, useRef } from "react";
import type { Point } from "../../core/geometry";
import { t } from "../../ui/i18n";
import { useModal } from "../../ui/useModal";
import css from "./palette.module.css";
import type { Search } from "./useSearch";

interface Props extends Search {
  readonly label: string;
  readonly count: number;
  readonly onChoose: (index: number) => void;
  readonly onClose: () => void;
  /** Where it opens; the middle when absent. */
  readonly screen?: Point;
  readonly aside?: ReactNode;
  /** Between the search field and the list. */
  readonly filters?: ReactNode;
  /** Said in the place of an empty list. */
  readonly nothing: string;
  /** Said below the list. */
  readonly note?: string | null;
  readonly children: (index: number) => ReactNode;
}
const WIDTH = 380;
const HEIGHT = 420;

function placed(screen: Point | undefined): React.CSSProperties {
  if (!screen || window.innerWidth < 700) return { left: "50%", top: "12%", transform: "translateX(-50%)" };
  const left = Math.max(12, Math.min(screen.x - 20, window.innerWidth - WIDTH - 250));
  return { left, top: Math.max(12, Math.min(screen.y - 20, window.innerHeight - HEIGHT - 12)) };
}

export function PaletteShell(props: Props) {
  const { label, query, onQuery, at, onAt, count, onChoose, onClose, screen, aside, filters, nothing, note, children } = props;
  const dialog = useModal<HTMLDivElement>(false);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at, count]);
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter") onChoose(at);
    else if (event.key === "ArrowDown") onAt((now) => Math.max(0, Math.min(count - 1, now + 1)));
    else if (event.key === "ArrowUp") onAt((now) => Math.max(0, now - 1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={css.backdrop} onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div ref={dialog} className={css.palette} role="dialog" aria-modal="true" aria-label={label} style={placed(screen)} onKeyDown={onKeyDown}>
        <div className={css.main}>
          <input
            className={css.search}
            autoFocus
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={count ? `palette-${at}` : undefined}
            aria-label={label}
            placeholder={label}
            value={query}
            onChange={(event) => onQuery(event.target.value)}
          />
          {filters}
          <ul ref={list} id="palette-list" className={css.list} role="listbox" aria-label={label}>
            {Array.from({ length: count }, (_, index) => (
              <li
                key={index}
                id={`palette-${index}`}
                className={css.item}
                role="option"
                aria-selected={index === at}
                onPointerMove={() => index !== at && onAt(index)}
                onClick={() => onChoose(index)}
              >
                {children(index)}
              </li>
            ))}
          </ul>
          <p className={css.nothing} role="status">
            {count === 0 ? nothing : note}
          </p>
          <p className={css.keys} aria-hidden="true">
            <kbd>↑</kbd> <kbd>↓</kbd> {t("choose")} <kbd>↵</kbd> {t("confirm")} <kbd>Esc</kbd> {t("close")}
          </p>
        </div>
        {aside}
      </div>
    </div>
  );
}

/** A text with the matched letters emphasised. */
export function Emphasis({ text, at }: { text: string; at: readonly number[] }) {
  const marked = new Set(at);
  return (
    <span className={css.name}>
      {Array.from(text, (letter, index) => (marked.has(index) ? <b key={index}>{letter}</b> : letter))}
    </span>
  );
}
