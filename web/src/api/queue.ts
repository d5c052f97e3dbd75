/** Calls about the queue, and about jobs that are listed. */
import { get, post } from "./client";
import type { ExplainAnswer, JobsAnswer, JobsQuery, ManyAnswer, MoveBody, MovedAnswer, QueueAnswer } from "./schema";

export const queueApi = {
  queue(): Promise<QueueAnswer> {
    return get("/queue");
  },

  setPaused(paused: boolean): Promise<QueueAnswer> {
    return post(paused ? "/queue/pause" : "/queue/resume", {});
  },

  move(job: string, place: MoveBody): Promise<MovedAnswer> {
    return post(`/jobs/${encodeURIComponent(job)}/move`, place);
  },

  cancelQueued(): Promise<ManyAnswer> {
    return post("/jobs/cancel", { states: ["queued"] });
  },

  jobs(query: JobsQuery): Promise<JobsAnswer> {
    const given = Object.entries(query as Readonly<Record<string, string | number | null | undefined>>);
    const pairs = given.flatMap(([key, value]): [string, string][] => (value === undefined || value === null || value === "" ? [] : [[key, String(value)]]));
    return get(`/jobs?${new URLSearchParams(pairs)}`);
  },

  explain(job: string): Promise<ExplainAnswer> {
    return get(`/jobs/${encodeURIComponent(job)}/explain`);
  },
};
