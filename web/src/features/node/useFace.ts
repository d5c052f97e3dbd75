import { useCallback, useSyncExternalStore } from "react";
import type { Face } from "../../canvas/face";
import { useWorkbench } from "../../ui/context";

/** The node's face, also while it is being resized. */
export function useFace(id: string): Face | undefined {
  const { editor } = useWorkbench();
  const subscribe = useCallback(
    (listener: () => void) => {
      const stopStore = editor.store.subscribe(listener);
      const stopMoved = editor.onMoved((moved) => moved === id && listener());
      return () => {
        stopStore();
        stopMoved();
      };
    },
    [editor, id],
  );
  return useSyncExternalStore(subscribe, () => editor.scene.nodes.get(id)?.face);
}
