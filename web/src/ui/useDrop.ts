import { useEffect } from "react";
import { insertIntoLink } from "../canvas/gestures/insert";
import { addLinked } from "../store/addLinked";
import { useWorkbench } from "./context";

/** Files dropped anywhere are opened; nodes dragged from the library are added where they fall. */
export function useDrop(): void {
  const { editor, session } = useWorkbench();
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      const type = event.dataTransfer?.getData("application/x-heddle-node") ?? "";
      if (type) insertIntoLink(editor, addLinked(editor, type, editor.toGraph({ x: event.clientX, y: event.clientY }), null));
      for (const file of event.dataTransfer?.files ?? []) void session.openFile(file, editor.toGraph({ x: event.clientX, y: event.clientY }));
    };
    window.addEventListener("dragover", over);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("drop", drop);
    };
  }, [editor, session]);
}
