/** Rows of the jobs panel from what the server lists. */
import type { JobData } from "../api/client";
import { imagesIn, type JobFailure } from "../core/wire";
import type { JobRow, JobState } from "../store/state";

function states(value: unknown): JobState {
  switch (value) {
    case "running":
    case "succeeded":
    case "failed":
    case "cancelled":
      return value;
    case "dead":
      return "failed";
    default:
      return "queued";
  }
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Milliseconds from a number of seconds or milliseconds, or from an ISO text. */
function millis(value: unknown): number | null {
  if (typeof value === "number") return value < 1e11 ? value * 1000 : value;
  if (typeof value !== "string") return null;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed;
}

export function rowOf(data: JobData, known: JobRow): JobRow {
  const outputs = Object.values(fields(data["outputs"])).flatMap((output) => imagesIn(fields(output)));
  return {
    ...known,
    name: known.name || text(data["name"]),
    number: Number(data["number"] ?? known.number),
    state: states(data["state"]),
    createdAt: millis(data["created"]) ?? known.createdAt,
    startedAt: millis(data["started"]) ?? known.startedAt,
    finishedAt: millis(data["finished"]) ?? known.finishedAt,
    images: outputs.length ? outputs : known.images,
    failure: failureOf(fields(data["error"])) ?? known.failure,
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
