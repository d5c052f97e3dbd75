/** Calls to the server. Everything that can go wrong becomes an ApiError that says what and what to do. */
import type { Catalogue } from "../core/catalogue";
import type { WorkflowDocument } from "../core/document";
import type { FileRef } from "../core/wire";
import type { Problem } from "../store/state";

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
export interface JobData {
  readonly id: string;
  readonly [key: string]: unknown;
}
interface JobRequest {
  /** Chosen here; the same id and body give the same job. */
  readonly id: string;
  readonly document: WorkflowDocument;
  readonly client_id: string;
  /** Run only these outputs; null means all. */
  readonly targets: readonly string[] | null;
  readonly front: boolean;
}
interface Submitted {
  readonly number: number;
  readonly problems: readonly Problem[];
}
export interface Template {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly picture: string | null;
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
  return type.includes("json") ? response.json() : response.text();
}

function postJson(path: string, body: unknown): Promise<unknown> {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

/** Calls that answer `{key: …}` or the thing itself. */
function unwrap(data: unknown, key: string): unknown {
  const fields = (typeof data === "object" && data !== null ? data : {}) as Fields;
  return key in fields ? fields[key] : data;
}

export const api = {
  async catalogue(): Promise<Catalogue> {
    const data = unwrap(await call("/api/v1/catalogue"), "nodes");
    return data as Catalogue;
  },

  /** Addresses of the scripts that packs bring. */
  async extensions(): Promise<string[]> {
    const list = await call("/extensions");
    return Array.isArray(list) ? list.map(text) : [];
  },

  async defaultDocument(): Promise<unknown> {
    return unwrap(await call("/api/v1/templates/default"), "document");
  },

  async templates(): Promise<Template[]> {
    const list = unwrap(await call("/api/v1/templates"), "templates");
    return (Array.isArray(list) ? list : []).map((entry: Fields) => ({
      id: text(entry["id"]) || text(entry["name"]),
      name: text(entry["title"]) || text(entry["name"]) || text(entry["id"]),
      description: text(entry["description"]),
      picture: text(entry["picture"]) || null,
    }));
  },

  async template(id: string): Promise<unknown> {
    return unwrap(await call(`/api/v1/templates/${encodeURIComponent(id)}`), "document");
  },

  /** Any known workflow format, or a picture that carries one, as our document. */
  async convert(body: Blob | string): Promise<{ document: unknown; warnings: string[] }> {
    const type = typeof body === "string" ? "application/json" : body.type || "application/octet-stream";
    const data = (await call("/api/v1/documents/convert", {
      method: "POST",
      headers: { "content-type": type },
      body,
    })) as Fields;
    const warnings = Array.isArray(data["warnings"]) ? data["warnings"].map((w) => text(w) || text((w as Fields)["what"])) : [];
    return { document: data["document"] ?? data, warnings: warnings.filter(Boolean) };
  },

  /** The document in another format: an API prompt, or what the established editor saves. */
  async exported(document: WorkflowDocument, format: "prompt" | "saved"): Promise<unknown> {
    return unwrap(await postJson("/api/v1/documents/export", { document, format }), "data");
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
    await postJson(`/api/v1/jobs/${encodeURIComponent(id)}/retry`, {});
  },

  async submit({ targets, ...job }: JobRequest): Promise<Submitted> {
    const data = (await postJson("/api/v1/jobs", targets ? { ...job, targets } : job)) as Fields;
    const problems = Array.isArray(data["problems"]) ? data["problems"].map(problemOf) : [];
    return { number: Number(data["number"] ?? 0), problems };
  },

  async jobs(limit: number): Promise<JobData[]> {
    const list = unwrap(await call(`/api/v1/jobs?limit=${limit}`), "jobs");
    return Array.isArray(list) ? (list as JobData[]) : [];
  },

  async job(id: string): Promise<JobData> {
    return unwrap(await call(`/api/v1/jobs/${encodeURIComponent(id)}`), "job") as JobData;
  },

  async cancel(id: string): Promise<void> {
    await postJson(`/api/v1/jobs/${encodeURIComponent(id)}/cancel`, {});
  },

  async upload(file: File): Promise<FileRef> {
    const form = new FormData();
    form.append("image", file);
    form.append("type", "input");
    const data = (await call("/upload/image", { method: "POST", body: form })) as Fields;
    return { filename: text(data["name"]), subfolder: text(data["subfolder"]), type: "input" };
  },
};
