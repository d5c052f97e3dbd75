import { type RefObject, useEffect, useRef, useState } from "react";

const REACHED = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex]:not([tabindex='-1'])";

/** Keeps the focus inside a dialog while it is open, and then gives it back to where it was, if `returns`. */
export function useModal<T extends HTMLElement>(returns = true): RefObject<T | null> {
  const dialog = useRef<T>(null);
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const root = dialog.current;
    if (!root) return undefined;
    if (!root.contains(document.activeElement)) root.focus();
    // The browser knows best what Tab reaches next; only what leaves the dialog is brought back, at its other end.
    const keep = ({ key, shiftKey }: KeyboardEvent) => {
      if (key !== "Tab") return;
      window.setTimeout(() => {
        if (!root.isConnected || root.contains(document.activeElement)) return;
        const reached = [...root.querySelectorAll<HTMLElement>(REACHED)].filter((element) => element.checkVisibility());
        (reached.at(shiftKey ? -1 : 0) ?? root).focus();
      });
    };
    root.addEventListener("keydown", keep);
    return () => {
      root.removeEventListener("keydown", keep);
      if (returns && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [before, returns]);
  return dialog;
}
