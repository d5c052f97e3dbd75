import { useState } from "react";
import { embeddingNames } from "../../api/models";
import { embeddingAt, type EmbeddingWord, fitting } from "../../core/embeddingWord";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";

/** Names of embeddings for the word at the caret, and choosing one. */
export function useCompletion(value: string, onChange: (next: string) => void) {
  const { session } = useWorkbench();
  const [names, setNames] = useState<readonly string[] | null>(null);
  const [word, setWord] = useState<EmbeddingWord | null>(null);
  const [at, setAt] = useState(0);
  const offered = word && names ? fitting(names, word.typed) : [];

  /** Called whenever the text or the caret changed. */
  const look = (text: string, caret: number) => {
    const next = embeddingAt(text, caret);
    setWord(next);
    setAt(0);
    if (next && names === null) void session.report(t("The embeddings could not be listed"), embeddingNames).then((listed) => setNames(listed ?? []));
  };
  const choose = (area: HTMLTextAreaElement, name: string) => {
    if (!word) return;
    onChange(value.slice(0, word.start) + name + value.slice(word.end));
    const caret = word.start + name.length;
    setWord(null);
    requestAnimationFrame(() => {
      area.focus();
      area.setSelectionRange(caret, caret);
    });
  };
  /** True when the key belonged to the list. */
  const onKey = (event: React.KeyboardEvent<HTMLTextAreaElement>): boolean => {
    if (offered.length === 0 || event.ctrlKey || event.metaKey) return false;
    const name = offered[at];
    if (event.key === "ArrowDown") setAt((at + 1) % offered.length);
    else if (event.key === "ArrowUp") setAt((at + offered.length - 1) % offered.length);
    else if (event.key === "Escape") setWord(null);
    else if ((event.key === "Enter" || event.key === "Tab") && name !== undefined) choose(event.currentTarget, name);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return { offered, at, look, choose, onKey, close: () => setWord(null) };
}
