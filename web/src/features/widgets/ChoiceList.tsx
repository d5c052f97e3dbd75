import { useEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { modelPictures } from "../../api/models";
import { type Json, jsonText } from "../../core/document";
import { fuzzyMatch } from "../../core/fuzzy";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./ChoiceList.module.css";

interface Props {
  readonly anchor: Element | null;
  readonly label: string;
  readonly choices: readonly Json[];
  readonly value: Json;
  /** The model folder that the choices lie in; their pictures are shown. */
  readonly folder?: string | null;
  readonly onChoose: (value: Json) => void;
  readonly onClose: () => void;
}
const SEARCH_FROM = 8;
const HEIGHT = 300;

function placeBelow(anchor: Element | null): React.CSSProperties {
  const box = anchor?.getBoundingClientRect() ?? new DOMRect(20, 20, 200, 20);
  const width = Math.max(200, box.width);
  const above = box.bottom + HEIGHT > window.innerHeight && box.top > HEIGHT;
  const left = Math.max(8, Math.min(box.left, window.innerWidth - width - 8));
  return above ? { left, width, bottom: window.innerHeight - box.top + 4 } : { left, width, top: box.bottom + 4 };
}

/** Addresses of pictures by choice; empty until they are known. */
function usePictures(folder: string | null): ReadonlyMap<string, string> {
  const { session } = useWorkbench();
  const [pictures, setPictures] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    if (folder === null) return;
    void session.report(t("The models' pictures could not be listed"), () => modelPictures(folder)).then((listed) => listed && setPictures(listed));
  }, [session, folder]);
  return pictures;
}

export function ChoiceList({ anchor, label, choices, value, folder = null, onChoose, onClose }: Props) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(Math.max(0, choices.indexOf(value)));
  const list = useRef<HTMLUListElement>(null);
  const pictures = usePictures(folder);
  const found = useMemo(() => {
    if (query === "") return choices;
    const scored = choices.flatMap((choice) => {
      const match = fuzzyMatch(query, jsonText(choice));
      return match ? [{ choice, score: match.score }] : [];
    });
    return scored.sort((a, b) => b.score - a.score).map(({ choice }) => choice);
  }, [choices, query]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at, found]);

  const choose = (choice: Json | undefined) => {
    if (choice !== undefined) onChoose(choice);
    onClose();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (event.key === "Enter") choose(found[at]);
    else if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else return;
    event.preventDefault();
  };
  return createPortal(
    <div className={css.backdrop} data-widget onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div className={css.popover} style={placeBelow(anchor)} onKeyDown={onKeyDown}>
        <input
          className={css.search}
          data-short={choices.length < SEARCH_FROM || undefined}
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls="choice-list"
          aria-activedescendant={`choice-${at}`}
          aria-label={t("Search {name}", { name: label })}
          placeholder={t("Search {name}", { name: label })}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
        />
        <ul ref={list} id="choice-list" className={css.list} role="listbox" aria-label={label}>
          {found.map((choice, index) => (
            <li
              key={jsonText(choice)}
              id={`choice-${index}`}
              className={css.item}
              role="option"
              aria-selected={choice === value}
              data-active={index === at || undefined}
              onPointerMove={() => setAt(index)}
              onClick={() => choose(choice)}
            >
              <Thumbnail url={pictures.get(jsonText(choice))} />
              {jsonText(choice)}
            </li>
          ))}
        </ul>
        {found.length === 0 && <p className={css.nothing}>{choices.length ? t("Nothing matches.") : t("This server has none.")}</p>}
      </div>
    </div>,
    document.body,
  );
}

/** Most models have no picture; its place stays empty then. */
function Thumbnail({ url }: { url: string | undefined }) {
  const [shown, setShown] = useState(false);
  return url === undefined ? null : <img className={css.thumbnail} src={url} alt="" loading="lazy" data-shown={shown || undefined} onLoad={() => setShown(true)} />;
}
