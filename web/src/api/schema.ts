/**
 * The shapes of our own API, made from its OpenAPI document. Not to be edited: run `python tools/api_types.py`.
 */

/** A file that a job has published: where it is below a folder, its size, and the node that showed it. */
export interface ArtifactItem {
  readonly folder: string;
  readonly path: string;
  readonly bytes: number;
  readonly node: string | null;
}

/** `cancelled` at once, `requested` from a running worker, or `finished` before. */
export interface CancelAnswer {
  readonly id: string;
  readonly result: "cancelled" | "requested" | "finished";
}

/** Every node as plain data, choices filled in; `complete` once no pack is still loading. */
export interface CatalogueAnswer {
  readonly digest: string;
  readonly complete: boolean;
  readonly nodes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Which catalogue is waited for. */
export interface CatalogueQuery {
  /** A digest: while packs are still loading, wait up to 25 s for another catalogue than this. */
  readonly newer_than?: string | null;
}

/** Which jobs are meant: those named, or all of some states. */
export interface ChosenBody {
  readonly ids?: readonly string[];
  readonly states?: readonly ("queued" | "running" | "succeeded" | "failed" | "cancelled" | "dead")[];
}

/** Our document made of what was sent, and what could not be taken over exactly. */
export interface ConvertedAnswer {
  readonly document: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Readonly<Record<string, unknown>>[];
  readonly source: string;
}

/** Something that happened to a job. `seq` is null for what is only passed on, such as progress. */
export interface EventItem {
  readonly seq: number | null;
  readonly after: number;
  readonly job: string;
  readonly attempt: number;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: number;
}

/** What a client that comes back says. */
export interface EventsHeaders {
  /** The number of the last event that was seen; stronger than since. */
  readonly "Last-Event-ID"?: number | null;
}

/** Which events to send. */
export interface EventsQuery {
  /** Send those after this number first. */
  readonly since?: number | null;
  /** Only those of this job. */
  readonly job?: string | null;
}

/** Why each node of a run ran or did not. */
export interface ExplainAnswer {
  readonly id: string;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "dead";
  readonly attempt: number;
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
}

/** A document to be written in another format. */
export interface ExportBody {
  readonly document: Readonly<Record<string, unknown>>;
  readonly format?: "prompt" | "saved" | "heddle";
}

/** The document in the format asked for. */
export interface ExportedAnswer {
  readonly format: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A file; `modified` in seconds since 1970. */
export interface FileItem {
  readonly name: string;
  readonly size: number;
  readonly modified: number;
}

/** Files of a folder, newest first. */
export interface FilesAnswer {
  readonly files: readonly FileItem[];
}

/** One job. */
export interface JobAnswer {
  readonly job: JobDetail;
}

/** A workflow to run: either a document in any known format, or an API prompt. */
export interface JobBody {
  /** A workflow document in any known format. */
  readonly document?: Readonly<Record<string, unknown>> | null;
  /** A graph in the API format. */
  readonly prompt?: Readonly<Record<string, unknown>> | null;
  /** Run only these outputs; absent: all. */
  readonly targets?: readonly string[] | null;
  /** The websocket client that is told what happens. */
  readonly client_id?: string | null;
  /** Its place in the queue; lower runs first. Absent: in turn with other clients. */
  readonly number?: number | null;
  /** Run before everything that is queued normally. */
  readonly front?: boolean;
  /** Jobs of a higher priority run first, whatever their number. */
  readonly priority?: number;
  /** What people call it; absent: the name of the document. */
  readonly name?: string | null;
  /** An id of your own; the same id and body return the same job. */
  readonly id?: string | null;
  /** Carried with the job, saved beside results. */
  readonly extra_data?: Readonly<Record<string, unknown>>;
}

/** A job with everything that is known of it. */
export interface JobDetail {
  readonly id: string;
  /** What people call it: the name of its workflow. */
  readonly name: string | null;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "dead";
  readonly number: number;
  readonly priority: number;
  readonly client_id: string | null;
  readonly attempt: number;
  readonly deaths: number;
  readonly cancel_requested: boolean;
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly reason: string | null;
  readonly outputs_count: number | null;
  /** What each node showed: files, texts. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly preview: Readonly<Record<string, unknown>> | null;
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly prompt: Readonly<Record<string, unknown>>;
  readonly targets: readonly string[];
  readonly extra_data: Readonly<Record<string, unknown>>;
  readonly problems: Readonly<Record<string, unknown>>;
  /** State of its nodes while it runs. */
  readonly progress: Readonly<Record<string, unknown>> | null;
  /** Files that it has published. */
  readonly artifacts: readonly ArtifactItem[];
}

/** A job in a listing. Times are milliseconds since 1970. */
export interface JobItem {
  readonly id: string;
  /** What people call it: the name of its workflow. */
  readonly name: string | null;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "dead";
  readonly number: number;
  readonly priority: number;
  readonly client_id: string | null;
  readonly attempt: number;
  readonly deaths: number;
  readonly cancel_requested: boolean;
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly reason: string | null;
  readonly outputs_count: number | null;
  /** What each node showed: files, texts. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly preview: Readonly<Record<string, unknown>> | null;
  readonly error: Readonly<Record<string, unknown>> | null;
}

/** A page of jobs. */
export interface JobsAnswer {
  readonly jobs: readonly JobItem[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  /** How many jobs are in each state. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Which jobs to list. */
export interface JobsQuery {
  /** Comma list of states; absent: all. */
  readonly state?: string | null;
  readonly limit?: number;
  readonly offset?: number;
  /** Only those whose name, id, client, reason or graph contains this. */
  readonly q?: string | null;
  /** Only those of this client. */
  readonly client_id?: string | null;
  /** Only those that came at this time or later. */
  readonly created_after?: number | null;
  /** Only those that came before this time. */
  readonly created_before?: number | null;
  /** Which comes first; a queue is in its own order. */
  readonly order?: "newest" | "oldest";
}

/** The jobs that were changed; those that could not be changed are left out. */
export interface ManyAnswer {
  readonly ids: readonly string[];
}

/** Model files by folder. */
export interface ModelsAnswer {
  readonly folders: Readonly<Record<string, readonly string[]>>;
}

/** Where a queued job is to stand: beside another one, or at an end of the queue. */
export interface MoveBody {
  /** The id of the queued job that is to run directly after it. */
  readonly before?: string;
  /** The id of the queued job that is to run directly before it. */
  readonly after?: string;
  readonly to?: "front" | "back";
}

/** Where a job stands now: jobs run by priority, then by place. */
export interface MovedAnswer {
  readonly id: string;
  readonly priority: number;
  readonly place: number;
}

/** Model files of one folder. */
export interface NamesAnswer {
  readonly names: readonly string[];
}

/** A priority; jobs of a higher one run first. */
export interface PriorityBody {
  readonly priority: number;
}

/** One thing that is wrong, where, and what to do. */
export interface Problem {
  readonly code: string;
  readonly node: string | null;
  readonly input: string | null;
  readonly what: string;
  readonly fix: string;
  readonly details: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Why a request was refused: every problem at once. */
export interface ProblemsAnswer {
  readonly problems: readonly Problem[];
}

/** How the queue stands. */
export interface QueueAnswer {
  /** Whether no job is taken from the queue; running ones go on. */
  readonly paused: boolean;
  readonly queued: number;
  readonly running: number;
}

/** What makes a submission safe to repeat. */
export interface SubmitHeaders {
  /** The same key and body return the same job; another body is refused with 409. */
  readonly "Idempotency-Key"?: string | null;
}

/** A job that is stored; `problems` lists outputs that were left out. */
export interface SubmittedAnswer {
  readonly id: string;
  readonly number: number;
  /** Whether the same key and body had made this job before. */
  readonly existed: boolean;
  readonly problems: readonly Problem[];
}

/** One of them as our document. */
export interface TemplateAnswer {
  readonly document: Readonly<Record<string, unknown>>;
}

/** A workflow that ships with the project; `picture` is where a small picture of its result is, if there is one. */
export interface TemplateItem {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly picture: string | null;
}

/** Workflows to start from. */
export interface TemplatesAnswer {
  readonly templates: readonly TemplateItem[];
}
