/** Calls to the server. Everything that can go wrong becomes an ApiError that says what and what to do. */
import type { Catalogue, PublishedCatalogue } from "../core/catalogue";
import type { WorkflowDocument } from "../core/document";
import { parseJson, stringifyJson } from "../core/json";
import type { FileRef } from "../core/wire";
import type { Problem } from "../store/state";
import type {
  CatalogueAnswer,
  ConvertedAnswer,
  ExportBody,
  ExportedAnswer,
  JobAnswer,
  JobBody,
  JobDetail,
  JobItem,
  JobsAnswer,
  SubmittedAnswer,
  TemplateAnswer,
  TemplateItem,
  TemplatesAnswer,
} from "./schema";

export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    readonly status: number,
    readonly problems: readonly Problem[] = [],
  ) {
    super(message);
  }
}

type Fields = Record<string, unknown>;
/** What a job is queued with: our document, and an id chosen here so that the same id and body give the same job. */
interface JobRequest extends Omit<JobBody, "document" | "id"> {
  readonly id: string;
  readonly document: WorkflowDocument;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function problemOf(value: unknown): Problem {
  const fields = (typeof value === "object" && value !== null ? value : { what: value }) as Fields;
  const input = typeof fields["input"] === "string" ? fields["input"] : null;
  return {
    code: text(fields["code"]),
    node: typeof fields["node"] === "string" ? fields["node"] : null,
    input,
    what: [text(fields["what"]), withoutName(text(fields["details"]), input)].filter(Boolean).join(": "),
    fix: text(fields["fix"]),
  };
}

/** Details often begin with the input's name, which is shown already. */
function withoutName(details: string, input: string | null): string {
  if (input === null || !details.startsWith(input)) return details;
  return details.slice(input.length).replace(/^[\s:,-]+/, "");
}

async function failureOf(response: Response): Promise<ApiError> {
  const body = await response.text();
  let fields: Fields = {};
  try {
    fields = JSON.parse(body) as Fields;
  } catch {
    return new ApiError(body.slice(0, 300) || `The server answered ${response.status}.`, response.status);
  }
  const problems = Array.isArray(fields["problems"]) ? fields["problems"].map(problemOf) : [];
  const first = problems[0];
  const said = [first?.what, problems.length === 1 ? first?.fix : ""].filter(Boolean).join(" ");
  const error = text(fields["error"]) || text(fields["message"]);
  return new ApiError(said || error || `The server answered ${response.status}.`, response.status, problems);
}

async function call(path: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError("The server cannot be reached. Is it still running?", 0);
  }
  if (!response.ok) throw await failureOf(response);
  const type = response.headers.get("content-type") ?? "";
  const body = await response.text();
  return type.includes("json") ? parseJson(body) : body;
}

/** Bodies up to this many letters are still sent when the page is left; browsers keep 64 kB for all of them together. */
const OUTLIVES_PAGE = 4000;

function postJson(path: string, body: unknown): Promise<unknown> {
  const text = stringifyJson(body);
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body: text, keepalive: text.length <= OUTLIVES_PAGE });
}

export function sendForm(path: string, body: FormData): Promise<unknown> {
  return call(path, { method: "POST", body });
}

/** An address outside our own API. */
export function read(path: string): Promise<unknown> {
  return call(path);
}

/** An answer of our own API; the server validates what it sends against the same declarations. */
export async function get<T>(path: string): Promise<T> {
  return (await call(`/api/v1${path}`)) as T;
}
export async function post<T>(path: string, body: unknown): Promise<T> {
  return (await postJson(`/api/v1${path}`, body)) as T;
}

export const api = {
  /** With a digest, waits a while for another catalogue than that as long as packs are loading. */
  async catalogue(newerThan: string | null): Promise<PublishedCatalogue> {
    const query = newerThan === null ? "" : `?${new URLSearchParams({ newer_than: newerThan })}`;
    const { nodes, digest, complete } = await get<CatalogueAnswer>(`/catalogue${query}`);
    return { specs: nodes as unknown as Catalogue, digest, complete };
  },

  /** Addresses of the scripts that packs bring. */
  async extensions(): Promise<string[]> {
    const list = await call("/extensions");
    return Array.isArray(list) ? list.map(text) : [];
  },

  async defaultDocument(): Promise<unknown> {
    return (await get<TemplateAnswer>("/templates/default")).document;
  },

  async templates(): Promise<readonly TemplateItem[]> {
    return (await get<TemplatesAnswer>("/templates")).templates;
  },

  async template(id: string): Promise<unknown> {
    return (await get<TemplateAnswer>(`/templates/${encodeURIComponent(id)}`)).document;
  },

  /** Any known workflow format, or a picture that carries one, as our document. */
  async convert(body: Blob | string): Promise<{ document: unknown; warnings: string[] }> {
    const type = typeof body === "string" ? "application/json" : body.type || "application/octet-stream";
    const data = (await call("/api/v1/documents/convert", { method: "POST", headers: { "content-type": type }, body })) as ConvertedAnswer;
    return { document: data.document, warnings: data.warnings.map((warning) => text(warning["what"])).filter(Boolean) };
  },

  /** The document in another format: an API prompt, or what the established editor saves. */
  async exported(document: WorkflowDocument, format: ExportBody["format"]): Promise<unknown> {
    return (await post<ExportedAnswer>("/documents/export", { document, format })).data;
  },

  /** A file this server keeps for its editors. */
  async userFile(name: string): Promise<unknown> {
    return call(`/userdata/${encodeURIComponent(name)}`);
  },

  async keepUserFile(name: string, data: unknown): Promise<void> {
    await postJson(`/userdata/${encodeURIComponent(name)}?overwrite=true`, data);
  },

  async dropUserFile(name: string): Promise<void> {
    await call(`/userdata/${encodeURIComponent(name)}`, { method: "DELETE" });
  },

  async retry(id: string): Promise<void> {
    await post(`/jobs/${encodeURIComponent(id)}/retry`, {});
  },

  async submit({ targets, ...job }: JobRequest): Promise<{ readonly number: number; readonly problems: readonly Problem[] }> {
    const { number, problems } = await post<SubmittedAnswer>("/jobs", targets ? { ...job, targets } : job);
    return { number, problems: problems.map(problemOf) };
  },

  async jobs(limit: number): Promise<readonly JobItem[]> {
    return (await get<JobsAnswer>(`/jobs?limit=${limit}`)).jobs;
  },

  async job(id: string): Promise<JobDetail> {
    return (await get<JobAnswer>(`/jobs/${encodeURIComponent(id)}`)).job;
  },

  async cancel(id: string): Promise<void> {
    await post(`/jobs/${encodeURIComponent(id)}/cancel`, {});
  },

  async upload(file: File): Promise<FileRef> {
    const form = new FormData();
    form.append("image", file);
    form.append("type", "input");
    const data = (await sendForm("/upload/image", form)) as Fields;
    return { filename: text(data["name"]), subfolder: text(data["subfolder"]), type: "input" };
  },
};
