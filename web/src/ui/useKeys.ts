import { useEffect } from "react";
import { copyNodes } from "../core/clipboard";
import { commandForKey, isEnabled } from "../commands/registry";
import { deleteSelection, openPalette, pasteText } from "../commands/edit";
import { useWorkbench } from "./context";

function isTyping(target: EventTarget | null): boolean {
  const typed = "input:not([type=checkbox], [type=radio], [type=range], [type=color], [type=file]), textarea, select, [contenteditable]";
  return target instanceof Element && target.closest(typed) !== null;
}

/** Popovers are dialogs too, but leave the rest of the page usable. */
function isDialogOpen(): boolean {
  return document.querySelector("[role=dialog][aria-modal=true]") !== null;
}

/** Keys and the clipboard, for the whole page. */
export function useKeys(): void {
  const workbench = useWorkbench();
  const { editor, session } = workbench;

  useEffect(() => {
    // Tab adds a node for people who work with the pointer, and moves the focus for those who do not.
    let pointing = false;
    const pointer = (event: PointerEvent) => {
      pointing = event.target instanceof Element && event.target.closest("[data-testid=canvas]") !== null;
    };
    const key = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isDialogOpen()) return;
      const plain = !(event.ctrlKey || event.metaKey || event.altKey);
      if (event.key === "Tab" && plain && pointing && document.activeElement === document.body) {
        event.preventDefault();
        openPalette(editor);
        return;
      }
      const onControl = event.target instanceof Element && event.target.closest("button, [role=option]") !== null;
      if (onControl && (event.key === "Enter" || event.key === " ") && plain) return;
      const command = commandForKey(event, workbench);
      if (!command || !isEnabled(command, workbench)) return;
      if (isTyping(event.target) && (plain || command.whileTyping !== true)) return;
      event.preventDefault();
      void command.run(workbench);
    };
    const copy = (event: ClipboardEvent) => {
      if (isTyping(event.target) || editor.selection.size === 0 || hasTextSelected()) return;
      event.preventDefault();
      event.clipboardData?.setData("text/plain", copyNodes(editor.document, editor.selection));
      if (event.type === "cut") deleteSelection(editor);
    };
    const paste = (event: ClipboardEvent) => {
      if (isTyping(event.target)) return;
      const file = event.clipboardData?.files[0];
      if (file) void session.openFile(file);
      else if (!pasteText(editor, event.clipboardData?.getData("text/plain") ?? "")) return;
      event.preventDefault();
    };
    window.addEventListener("pointerdown", pointer, true);
    window.addEventListener("keydown", key);
    window.addEventListener("copy", copy);
    window.addEventListener("cut", copy);
    window.addEventListener("paste", paste);
    return () => {
      window.removeEventListener("pointerdown", pointer, true);
      window.removeEventListener("keydown", key);
      window.removeEventListener("copy", copy);
      window.removeEventListener("cut", copy);
      window.removeEventListener("paste", paste);
    };
  }, [workbench, editor, session]);
}

function hasTextSelected(): boolean {
  return (window.getSelection()?.toString() ?? "") !== "";
}
