import { useSyncExternalStore } from "react";
import { useWorkbench } from "../../ui/context";
import { NodeView } from "../node/NodeView";
import { NotesLayer } from "./NotesLayer";

/** The nodes that are visible at reading size. */
export function NodeLayer() {
  const { engine } = useWorkbench();
  const ids = useSyncExternalStore(engine.subscribeLive, engine.liveIds);
  return (
    <>
      <NotesLayer />
      {ids.map((id) => (
        <NodeView key={id} id={id} />
      ))}
    </>
  );
}
