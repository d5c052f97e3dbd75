/** What people want to know of the graph that made a picture. */

export interface NodeFacts {
  readonly node: string;
  readonly title: string;
  readonly values: readonly (readonly [input: string, value: string])[];
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** The literal inputs of each node of an API prompt; nodes without any are left out. */
export function factsOf(prompt: unknown): NodeFacts[] {
  return Object.entries(fields(prompt)).flatMap(([node, entry]) => {
    const { class_type: type, inputs, _meta: meta } = fields(entry);
    const title = fields(meta)["title"];
    const values = Object.entries(fields(inputs)).flatMap(([input, value]): [string, string][] =>
      typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? (value === "" ? [] : [[input, String(value)]]) : [],
    );
    return values.length ? [{ node, title: typeof title === "string" && title ? title : String(type), values }] : [];
  });
}
