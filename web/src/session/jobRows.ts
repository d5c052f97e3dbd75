/** Rows of the jobs panel from what the server lists. */
import type { JobData } from "../api/client";
import { imagesIn } from "../core/wire";
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
  const error = fields(data["error"]);
  const message = error["exception_message"] ?? error["message"] ?? error["what"];
  return {
    ...known,
    number: Number(data["number"] ?? known.number),
    state: states(data["state"]),
    name: String(data["name"] ?? known.name),
    createdAt: millis(data["created_at"] ?? data["created"]) ?? known.createdAt,
    startedAt: millis(data["started_at"] ?? data["started"]) ?? known.startedAt,
    finishedAt: millis(data["finished_at"] ?? data["finished"]) ?? known.finishedAt,
    images: outputs.length ? outputs : known.images,
    failure:
      typeof message === "string"
        ? {
            node: String(error["node"] ?? error["node_id"] ?? ""),
            nodeType: String(error["node_type"] ?? ""),
            message: message.trim(),
            exception: String(error["exception_type"] ?? ""),
            traceback: Array.isArray(error["traceback"]) ? error["traceback"].map(String) : [],
            fix: String(error["fix"] ?? ""),
          }
        : known.failure,
  };
}
