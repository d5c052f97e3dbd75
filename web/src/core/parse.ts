/** Reads our own document format from untrusted JSON; anything unknown is refused with its place. */
import { SEED_CONTROLS, type WorkflowDocument } from "./document";

export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

const WAYPOINT_KEYS = ["id", "pos", "after", "links", "floating"];
const GROUP_KEYS = ["title", "box", "color", "kept"];
const NOTE_KEYS = ["id", "text", "box", "markdown", "title", "color", "background"];
type Fields = Record<string, unknown>;

function fail(where: string, what: string): never {
  throw new DocumentError(`${where}: ${what}`);
}

function object(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(where, "must be an object");
  return value as Fields;
}

function closed(value: unknown, where: string, allowed: readonly string[]): Fields {
  const fields = object(value, where);
  const strange = Object.keys(fields).find((key) => !allowed.includes(key));
  if (strange !== undefined) fail(where, `unknown key "${strange}"; allowed are ${allowed.join(", ")}`);
  return fields;
}

function text(value: unknown, where: string): void {
  if (typeof value !== "string") fail(where, "must be text");
}

function numbers(value: unknown, count: number, where: string): void {
  const fits = Array.isArray(value) && value.length === count && value.every((n) => Number.isFinite(n));
  if (!fits) fail(where, `must be a list of ${count} numbers`);
}

function checkInput(value: unknown, where: string): void {
  if (typeof value !== "object" || value === null) return;
  const fields = closed(value, where, ["link", "value", "input"]);
  if ("link" in fields) {
    const link = fields["link"];
    const fits = Array.isArray(link) && link.length === 2 && link.every((part) => typeof part === "string");
    if (!fits) fail(`${where}.link`, "must be [node id, output name]");
  } else if (!("value" in fields) && !("input" in fields))
    fail(where, 'an object must be {"link": …}, {"value": …} or {"input": …}');
}

function checkNode(value: unknown, where: string): void {
  const node = closed(value, where, ["type", "title", "mode", "inputs", "controls", "sockets", "kept"]);
  text(node["type"], `${where}.type`);
  if (node["title"] !== undefined) text(node["title"], `${where}.title`);
  if (node["mode"] !== undefined && node["mode"] !== "muted" && node["mode"] !== "bypassed")
    fail(`${where}.mode`, 'must be "muted" or "bypassed"');
  for (const [name, input] of Object.entries(object(node["inputs"] ?? {}, `${where}.inputs`)))
    checkInput(input, `${where}.inputs.${name}`);
  for (const [name, control] of Object.entries(object(node["controls"] ?? {}, `${where}.controls`)))
    if (!(SEED_CONTROLS as readonly unknown[]).includes(control))
      fail(`${where}.controls.${name}`, `must be one of ${SEED_CONTROLS.join(", ")}`);
}

function checkLayout(value: unknown, at = "layout"): void {
  const layout = closed(value, at, ["nodes", "groups", "notes", "reroutes", "view"]);
  for (const [id, place] of Object.entries(object(layout["nodes"] ?? {}, `${at}.nodes`))) {
    const where = `${at}.nodes.${id}`;
    const fields = closed(place, where, ["pos", "size", "collapsed", "pinned", "color", "background", "sockets"]);
    const sockets = fields["sockets"] ?? [];
    if (!Array.isArray(sockets)) fail(`${where}.sockets`, "must be a list");
    for (const name of sockets) text(name, `${where}.sockets`);
    numbers(fields["pos"], 2, `${where}.pos`);
    if (fields["size"] !== undefined) numbers(fields["size"], 2, `${where}.size`);
  }
  for (const list of ["groups", "notes"] as const) {
    const items = layout[list] ?? [];
    if (!Array.isArray(items)) fail(`${at}.${list}`, "must be a list");
    items.forEach((item: unknown, index) => {
      const allowed = list === "groups" ? GROUP_KEYS : NOTE_KEYS;
      numbers(closed(item, `${at}.${list}[${index}]`, allowed)["box"], 4, `${at}.${list}[${index}].box`);
    });
  }
  const waypoints = layout["reroutes"] ?? [];
  if (!Array.isArray(waypoints)) fail(`${at}.reroutes`, "must be a list");
  waypoints.forEach((item: unknown, index) => {
    const waypoint = closed(item, `${at}.reroutes[${index}]`, WAYPOINT_KEYS);
    text(waypoint["id"], `${at}.reroutes[${index}].id`);
    numbers(waypoint["pos"], 2, `${at}.reroutes[${index}].pos`);
  });
}

function checkForm(value: unknown): void {
  const form = closed(value, "form", ["title", "description", "inputs", "outputs"]);
  for (const key of ["title", "description"]) if (form[key] !== undefined) text(form[key], `form.${key}`);
  for (const [list, keys] of [["inputs", ["node", "input", "label", "help"]], ["outputs", ["node", "label"]]] as const) {
    const items = form[list] ?? [];
    if (!Array.isArray(items)) fail(`form.${list}`, "must be a list");
    items.forEach((item: unknown, index) => {
      const where = `form.${list}[${index}]`;
      for (const [key, given] of Object.entries(closed(item, where, keys))) text(given, `${where}.${key}`);
    });
  }
}

function checkDefinition(value: unknown, where: string): void {
  const definition = closed(value, where, ["name", "description", "inputs", "outputs", "nodes", "layout", "kept"]);
  text(definition["name"], `${where}.name`);
  for (const [id, node] of Object.entries(object(definition["nodes"] ?? {}, `${where}.nodes`))) checkNode(node, `${where}.nodes.${id}`);
  for (const [side, keys] of [["inputs", ["name", "type", "label"]], ["outputs", ["name", "type", "label", "link", "input"]]] as const) {
    const sockets = definition[side] ?? [];
    if (!Array.isArray(sockets)) fail(`${where}.${side}`, "must be a list");
    sockets.forEach((socket: unknown, index) => {
      text(closed(socket, `${where}.${side}[${index}]`, keys)["name"], `${where}.${side}[${index}].name`);
    });
  }
  if (definition["layout"] !== undefined) checkLayout(definition["layout"], `${where}.layout`);
}

/** Fills what may be left out of a node. */
function wholeNodes(nodes: Fields): Fields {
  return Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, { ...(node as Fields), inputs: (node as Fields)["inputs"] ?? {} }]));
}

function wholeDefinitions(definitions: Fields): Fields {
  const whole = Object.entries(definitions).map(([id, definition]): [string, Fields] => {
    checkDefinition(definition, `definitions.${id}`);
    return [id, { ...(definition as Fields), nodes: wholeNodes(object((definition as Fields)["nodes"] ?? {}, "nodes")) }];
  });
  return Object.fromEntries(whole);
}

export function isOwnFormat(data: unknown): boolean {
  return typeof data === "object" && data !== null && (data as Fields)["format"] === "heddle-workflow";
}

/**
 * Checks the shape and fills the parts that may be left out.
 *
 * Throws DocumentError naming the place, for example `nodes.3.inputs.model.link: must be [node id, output name]`.
 */
export function parseDocument(data: unknown): WorkflowDocument {
  const allowed = ["format", "version", "name", "nodes", "definitions", "layout", "form", "meta", "$schema"];
  const fields = closed(data, "document", allowed);
  if (fields["format"] !== "heddle-workflow") fail("format", 'must be "heddle-workflow"');
  if (fields["version"] !== 1) fail("version", `is ${JSON.stringify(fields["version"])}; this editor reads version 1`);
  const nodes = object(fields["nodes"] ?? {}, "nodes");
  for (const [id, node] of Object.entries(nodes)) checkNode(node, `nodes.${id}`);
  const layout = fields["layout"] ?? { nodes: {} };
  checkLayout(layout);
  if (fields["form"] !== undefined) checkForm(fields["form"]);
  const definitions = fields["definitions"] === undefined ? {} : { definitions: wholeDefinitions(object(fields["definitions"], "definitions")) };
  const { $schema: _schema, ...rest } = fields;
  const placed = { ...(layout as Fields), nodes: (layout as Fields)["nodes"] ?? {} };
  return { ...rest, name: fields["name"] ?? "Untitled", nodes: wholeNodes(nodes), layout: placed, ...definitions } as unknown as WorkflowDocument;
}
