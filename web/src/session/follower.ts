/** Runs a tab again whenever its workflow changes; changes while a job is under way are run together after it. */
import { meaningOf } from "../core/meaning";
import type { Editor } from "../store/editor";
import { activeTab } from "../store/store";

const SETTLES_AFTER_MS = 500;

export class Follower {
  private timer = 0;
  private last: { readonly tab: string; readonly meaning: string } | null = null;

  constructor(
    private readonly editor: Editor,
    private readonly run: () => Promise<boolean>,
  ) {}

  watch(): void {
    this.editor.store.subscribe((state, before) => {
      const { following } = state.jobs;
      if (following === null) {
        this.last = null;
        return;
      }
      if (state.document === before.document && state.jobs.rows === before.jobs.rows && following === before.jobs.following) return;
      const followed = state.document.tabs.find(({ id }) => id === following);
      if (followed && this.last?.tab !== following) this.last = { tab: following, meaning: meaningOf(followed.document) };
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.look(), SETTLES_AFTER_MS);
    });
  }

  private async look(): Promise<void> {
    const { state } = this.editor;
    const tab = activeTab(state);
    if (state.jobs.following !== tab.id || this.last?.tab !== tab.id || this.isBusy(tab.id)) return;
    const meaning = meaningOf(tab.document);
    if (meaning === this.last.meaning) return;
    this.last = { tab: tab.id, meaning };
    await this.run();
  }

  private isBusy(tab: string): boolean {
    const { rows, submitting } = this.editor.state.jobs;
    return submitting || Object.values(rows).some((row) => row.tab === tab && (row.state === "queued" || row.state === "running"));
  }
}
