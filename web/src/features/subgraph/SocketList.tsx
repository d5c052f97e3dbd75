import { IconArrowDown, IconArrowUp, IconTrash } from "@tabler/icons-react";
import { socketColor } from "../../canvas/socketColor";
import type { SocketRecord } from "../../core/document";
import { labelSocket, moveSocket, removeSocket, type Side } from "../../core/subgraphSockets";
import { useWorkbench } from "../../ui/context";
import field from "../../ui/field.module.css";
import { t } from "../../ui/i18n";
import css from "./subgraph.module.css";

interface Props {
  readonly id: string;
  readonly side: Side;
  readonly title: string;
  readonly sockets: readonly SocketRecord[];
}

/** Sockets of a definition: what people read, their order, and taking one away. */
export function SocketList({ id, side, title, sockets }: Props) {
  const { editor } = useWorkbench();
  const label = (index: number, text: string) => editor.commitRoot(labelSocket(editor.root, id, side, index, text), "Rename socket", `socket ${id} ${side} ${index}`);
  const move = (index: number, by: -1 | 1) => editor.commitRoot(moveSocket(editor.root, id, side, index, by), "Move socket");
  const remove = (index: number) => editor.commitRoot(removeSocket(editor.root, editor.specs, id, side, index), "Remove socket");
  return (
    <section className={css.section} aria-label={title}>
      <h3>{title}</h3>
      {sockets.length === 0 && <p className={css.empty}>{t("None yet: link the last socket of the end inside.")}</p>}
      <ul>
        {sockets.map((socket, index) => (
          <li key={socket.name} className={css.socket}>
            <i style={{ background: socketColor(socket.type, "var(--socket-l)") }} title={socket.type} />
            <input className={field.field} aria-label={t("Label of {name}", { name: socket.name })} value={socket.label ?? socket.name} onChange={(event) => label(index, event.target.value)} />
            <button type="button" aria-label={t("Move {name} up", { name: socket.name })} disabled={index === 0} onClick={() => move(index, -1)}>
              <IconArrowUp size={14} />
            </button>
            <button type="button" aria-label={t("Move {name} down", { name: socket.name })} disabled={index === sockets.length - 1} onClick={() => move(index, 1)}>
              <IconArrowDown size={14} />
            </button>
            <button type="button" aria-label={t("Remove {name}", { name: socket.name })} onClick={() => remove(index)}>
              <IconTrash size={14} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
