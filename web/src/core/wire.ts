/** Messages of the websocket, decoded. Unknown kinds are kept as such: packs send their own. */

export interface FileRef {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: "output" | "input" | "temp";
}
/** What no other file of this server has. */
export function keyOfFile({ type, subfolder, filename }: FileRef): string {
  return `${type}/${subfolder}/${filename}`;
}
/** Where the server gives the file. */
export function viewUrl(file: FileRef): string {
  return `/view?${new URLSearchParams({ filename: file.filename, subfolder: file.subfolder, type: file.type })}`;
}

export interface NodeProgress {
  readonly node_id: string;
  readonly display_node_id: string;
  readonly value: number;
  readonly max: number;
  readonly state: "pending" | "running" | "finished" | "error";
}
export interface JobFailure {
  readonly node: string;
  readonly nodeType: string;
  readonly message: string;
  readonly exception: string;
  readonly traceback: readonly string[];
  readonly fix: string;
}
export type WireEvent =
  | { readonly kind: "status"; readonly remaining: number; readonly sid: string | null }
  | { readonly kind: "started"; readonly job: string }
  | { readonly kind: "cached"; readonly job: string; readonly nodes: readonly string[] }
  | { readonly kind: "executing"; readonly job: string | null; readonly node: string | null }
  | { readonly kind: "progress"; readonly job: string; readonly nodes: readonly NodeProgress[] }
  | { readonly kind: "shown"; readonly job: string; readonly node: string; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: "succeeded"; readonly job: string }
  | { readonly kind: "failed"; readonly job: string; readonly failure: JobFailure }
  | { readonly kind: "cancelled"; readonly job: string }
  | { readonly kind: "preview"; readonly job: string | null; readonly node: string | null; readonly image: Blob }
  | { readonly kind: "text"; readonly node: string; readonly text: string }
  | { readonly kind: "other"; readonly type: string };

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
function str(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
function strOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : str(value);
}

function failureOf(data: Fields): JobFailure {
  const traceback = data["traceback"];
  return {
    node: str(data["node_id"]),
    nodeType: str(data["node_type"]),
    message: str(data["exception_message"]).trim(),
    exception: str(data["exception_type"]),
    traceback: Array.isArray(traceback) ? traceback.map(str) : [],
    fix: str(data["fix"]),
  };
}

function progressOf(data: Fields): NodeProgress[] {
  return Object.values(fields(data["nodes"])).map((entry) => {
    const node = fields(entry);
    return {
      node_id: str(node["node_id"]),
      display_node_id: str(node["display_node_id"] ?? node["node_id"]),
      value: Number(node["value"] ?? 0),
      max: Number(node["max"] ?? 1),
      state: str(node["state"]) as NodeProgress["state"],
    };
  });
}

/** Decodes a text message. Throws SyntaxError when it is not JSON. */
export function decodeText(message: string): WireEvent {
  const envelope = fields(JSON.parse(message));
  const type = str(envelope["type"]);
  const data = fields(envelope["data"]);
  const job = str(data["prompt_id"]);
  switch (type) {
    case "status": {
      const info = fields(fields(data["status"])["exec_info"]);
      return { kind: "status", remaining: Number(info["queue_remaining"] ?? 0), sid: strOrNull(data["sid"]) };
    }
    case "execution_start":
      return { kind: "started", job };
    case "execution_cached":
      return { kind: "cached", job, nodes: Array.isArray(data["nodes"]) ? data["nodes"].map(str) : [] };
    case "executing":
      return { kind: "executing", job: strOrNull(data["prompt_id"]), node: strOrNull(data["display_node"] ?? data["node"]) };
    case "progress_state":
      return { kind: "progress", job, nodes: progressOf(data) };
    case "executed":
      return { kind: "shown", job, node: str(data["display_node"] ?? data["node"]), output: fields(data["output"]) };
    case "execution_success":
      return { kind: "succeeded", job };
    case "execution_error":
      return { kind: "failed", job, failure: failureOf(data) };
    case "execution_interrupted":
      return { kind: "cancelled", job };
    default:
      return { kind: "other", type };
  }
}

/** Decodes a binary message: kind 1 picture, 3 text, 4 picture with metadata. Null for a kind we do not know. */
export function decodeBinary(buffer: ArrayBuffer): WireEvent | null {
  if (buffer.byteLength < 8) return null;
  const view = new DataView(buffer);
  const size = view.getUint32(4);
  switch (view.getUint32(0)) {
    case 1: {
      const type = size === 2 ? "image/png" : "image/jpeg";
      return { kind: "preview", job: null, node: null, image: new Blob([buffer.slice(8)], { type }) };
    }
    case 3: {
      const decoder = new TextDecoder();
      const node = decoder.decode(buffer.slice(8, 8 + size));
      return { kind: "text", node, text: decoder.decode(buffer.slice(8 + size)) };
    }
    case 4: {
      const data = fields(JSON.parse(new TextDecoder().decode(buffer.slice(8, 8 + size))));
      const image = new Blob([buffer.slice(8 + size)], { type: str(data["image_type"]) || "image/jpeg" });
      const node = strOrNull(data["display_node_id"] ?? data["node_id"]);
      return { kind: "preview", job: strOrNull(data["prompt_id"]), node, image };
    }
    default:
      return null;
  }
}

/** Two pictures that a node lays over each other. */
export interface Comparison {
  readonly before: FileRef;
  readonly after: FileRef;
}
/** What a node shows of its results. */
export interface Shown {
  readonly images: readonly FileRef[];
  readonly comparison: Comparison | null;
  readonly texts: readonly string[];
}

function filesIn(list: unknown): FileRef[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry) => {
    const file = fields(entry);
    return { filename: str(file["filename"]), subfolder: str(file["subfolder"]), type: str(file["type"]) as FileRef["type"] };
  });
}

/** Under which keys nodes show their files: pictures, and films and sounds as packs name them. */
const MEDIA_KEYS = ["images", "gifs", "video", "videos", "audio"] as const;

/** The pictures, films and sounds in a node's `ui` result. */
export function mediaIn(output: Readonly<Record<string, unknown>>): FileRef[] {
  return MEDIA_KEYS.flatMap((key) => filesIn(output[key]));
}

/** How people take a file in, told by its name. */
export function mediumOf({ filename }: FileRef): "picture" | "film" | "sound" {
  if (/\.(mp4|webm|mov|mkv|m4v|ogv)$/i.test(filename)) return "film";
  return /\.(wav|flac|mp3|ogg|opus|m4a|aac)$/i.test(filename) ? "sound" : "picture";
}

/** A node's `ui` result; comparing nodes name their two sides `a_images` and `b_images`. */
export function shownIn(output: Readonly<Record<string, unknown>>): Shown {
  const [before] = filesIn(output["a_images"]);
  const [after] = filesIn(output["b_images"]);
  const alone = [before ?? after ?? []].flat();
  const texts = output["text"];
  return {
    images: [...mediaIn(output), ...(before && after ? [] : alone)],
    comparison: before && after ? { before, after } : null,
    texts: Array.isArray(texts) ? texts.map(str) : [],
  };
}
