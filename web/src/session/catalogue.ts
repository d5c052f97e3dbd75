/** The catalogue in the store: asked for at the start and on request, and followed while packs are still loading. */
import type { PublishedCatalogue } from "../core/catalogue";
import type { Editor } from "../store/editor";

const RETRY_MS = 2000;

export class CatalogueFeed {
  private retry = 0;
  private asked = 0;
  private taken = 0;
  private completed = "";

  constructor(
    private readonly editor: Editor,
    /** With a digest, answers once there is another catalogue than that, or after a while. */
    private readonly ask: (newerThan: string | null) => Promise<PublishedCatalogue>,
    /** Called when every pack has been loaded, and again when they have become others. */
    private readonly onComplete: () => void,
  ) {}

  async load(): Promise<void> {
    await this.request(null);
  }

  private async request(newerThan: string | null): Promise<void> {
    window.clearTimeout(this.retry);
    const turn = (this.asked += 1);
    try {
      this.take(turn, await this.ask(newerThan));
    } catch (error) {
      if (turn < this.asked) return;
      this.set({ state: "failed", message: error instanceof Error ? error.message : String(error) });
      this.retry = window.setTimeout(() => void this.load(), RETRY_MS);
    }
  }

  private take(turn: number, { specs, digest, complete }: PublishedCatalogue): void {
    if (turn < this.taken) return; // a later question was answered first
    this.taken = turn;
    this.set({ specs, state: "ready", packs: complete ? "loaded" : "loading", message: "" });
    if (!complete && turn === this.asked) void this.request(digest);
    if (!complete || digest === this.completed) return;
    this.completed = digest;
    this.onComplete();
  }

  private set(part: Partial<Editor["state"]["catalogue"]>): void {
    this.editor.store.setState(({ catalogue }) => ({ catalogue: { ...catalogue, ...part } }));
  }
}
