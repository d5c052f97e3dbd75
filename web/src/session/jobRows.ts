/** Rows of the jobs panel from what the server lists. */
import type { JobDetail, JobItem } from "../api/schema";
import { mediaIn, type JobFailure } from "../core/wire";
import type { JobRow, JobState } from "../store/state";

function stateOf(state: JobItem["state"]): JobState {
  return state === "dead" ? "failed" : state;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

export function rowOf(data: JobItem | JobDetail, known: JobRow): JobRow {
  const outputs = Object.values(data.outputs).flatMap((output) => mediaIn(fields(output)));
  return {
    ...known,
    number: data.number,
    name: known.name || text(data.name),
    state: stateOf(data.state),
    createdAt: data.created,
    startedAt: data.started ?? known.startedAt,
    finishedAt: data.finished ?? known.finishedAt,
    images: outputs.length ? outputs : known.images,
    failure: failureOf(fields(data.error)) ?? known.failure,
  };
}

function failureOf(error: Record<string, unknown>): JobFailure | null {
  if (typeof error["message"] !== "string") return null;
  return {
    node: text(error["node"]),
    nodeType: text(error["node_type"]),
    message: error["message"].trim(),
    exception: text(error["exception_type"]),
    traceback: Array.isArray(error["traceback"]) ? error["traceback"].map(text) : [],
    fix: text(error["fix"]),
  };
}
