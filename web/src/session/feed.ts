/** The websocket: events into the store, and back again after a lost connection. */
import { decodeBinary, decodeText, type WireEvent } from "../core/wire";
import type { Editor } from "../store/editor";
import { applyEvent, previewsShown } from "../store/jobEvents";

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5000;

export class JobFeed {
  private socket: WebSocket | null = null;
  private retry = FIRST_RETRY_MS;
  private timer = 0;
  private readonly urls = new Set<string>();

  constructor(
    private readonly editor: Editor,
    private readonly clientId: string,
    /** Called at each connect, to ask for what was missed; `again` after a connection was lost. */
    private readonly onOpen: (again: boolean) => void,
  ) {}

  connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws?clientId=${encodeURIComponent(this.clientId)}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.retry = FIRST_RETRY_MS;
      socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
      const again = this.editor.state.jobs.connection === "lost";
      this.setConnection("open");
      this.onOpen(again);
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.receive(data);
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.setConnection("lost");
      this.timer = window.setTimeout(() => this.connect(), this.retry);
      this.retry = Math.min(LONGEST_RETRY_MS, this.retry * 2);
    };
  }

  close(): void {
    window.clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private setConnection(connection: "open" | "lost"): void {
    this.editor.store.setState(({ jobs }) => ({ jobs: { ...jobs, connection } }));
  }

  private receive(data: string | ArrayBuffer): void {
    const event = typeof data === "string" ? decodeText(data) : decodeBinary(data);
    if (event) this.apply(event);
  }

  private apply(event: WireEvent): void {
    const url = event.kind === "preview" ? URL.createObjectURL(event.image) : null;
    if (url !== null) this.urls.add(url);
    const now = this.editor.outside.now();
    this.editor.store.setState(({ jobs }) => ({ jobs: applyEvent(jobs, event, now, url) }));
    if (url !== null || event.kind === "shown") this.release();
  }

  private release(): void {
    const shown = previewsShown(this.editor.state.jobs);
    for (const url of this.urls) {
      if (shown.has(url)) continue;
      this.urls.delete(url);
      URL.revokeObjectURL(url);
    }
  }
}
