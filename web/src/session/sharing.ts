/** Sharing a workflow's form: the server keeps a copy, and a link shows just the form. */
import { api, ApiError } from "../api/client";
import type { WorkflowDocument } from "../core/document";
import { parseDocument } from "../core/parse";
import type { Editor } from "../store/editor";
import { activeTab } from "../store/store";

function fileOf(id: string): string {
  return `forms/${id}.json`;
}

export function linkTo(id: string): string {
  return new URL(`/?form=${encodeURIComponent(id)}`, location.href).href;
}

/** The workflow behind a link. Throws an ApiError (404) when it is not shared any more. */
export async function sharedForm(id: string): Promise<WorkflowDocument> {
  return parseDocument(await api.userFile(fileOf(id)));
}

/** Shares the workflow as it is now and gives the link; sharing again renews what the same link shows. */
export async function shareForm(editor: Editor): Promise<string> {
  const { id: tab, document, shared } = activeTab(editor.state);
  const id = shared ?? editor.outside.freshId();
  await api.keepUserFile(fileOf(id), document);
  editor.patchTab(tab, { shared: id });
  return linkTo(id);
}

export async function stopSharing(editor: Editor): Promise<void> {
  const { id: tab, shared } = activeTab(editor.state);
  if (shared === null) return;
  try {
    await api.dropUserFile(fileOf(shared));
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error; // gone already
  }
  editor.patchTab(tab, { shared: null });
}
