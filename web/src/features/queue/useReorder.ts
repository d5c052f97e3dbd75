/** Reordering queued jobs: by dragging a card's grip, or by arrow keys on it. */
import { useState } from "react";
import { queuedInTurn } from "../../store/turns";
import { useWorkbench } from "../../ui/context";

export interface DropPlace {
  readonly job: string;
  readonly below: boolean;
}

/** The queued job under the pointer, and which half of its card. */
function placeAt(x: number, y: number): DropPlace | null {
  const card = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-queued]");
  const job = card?.dataset["queued"];
  if (!card || job === undefined) return null;
  const box = card.getBoundingClientRect();
  return { job, below: y > box.top + box.height / 2 };
}

export function useReorder() {
  const { editor, session } = useWorkbench();
  const [place, setPlace] = useState<DropPlace | null>(null);

  const step = (job: string, by: number) => {
    const turns = queuedInTurn(editor.state.jobs).map(({ id }) => id);
    const beside = turns[turns.indexOf(job) + by];
    if (beside === undefined || !turns.includes(job)) return;
    void session.queue.move(job, by < 0 ? { before: beside } : { after: beside });
  };
  const gripOf = (job: string) => ({
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      step(job, event.key === "ArrowUp" ? -1 : 1);
    },
    onPointerDown: (event: React.PointerEvent) => event.currentTarget.setPointerCapture(event.pointerId),
    onPointerMove: (event: React.PointerEvent) => {
      if (event.currentTarget.hasPointerCapture(event.pointerId)) setPlace(placeAt(event.clientX, event.clientY));
    },
    onPointerUp: (event: React.PointerEvent) => {
      const target = placeAt(event.clientX, event.clientY);
      setPlace(null);
      if (target === null || target.job === job) return;
      void session.queue.move(job, target.below ? { after: target.job } : { before: target.job });
    },
    onPointerCancel: () => setPlace(null),
  });
  return { place, gripOf };
}
