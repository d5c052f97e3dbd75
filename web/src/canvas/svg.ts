/** The graph as an SVG picture of its own, with the document inside so that it opens again as a workflow. */
import { labelOf } from "../core/catalogue";
import { jsonText, literalOf, type Note } from "../core/document";
import { parseJson, stringifyJson } from "../core/json";
import type { Box } from "../core/geometry";
import { bend } from "./curve";
import { METRICS } from "./metrics";
import type { Scene, SceneNode } from "./scene";
import { socketColor } from "./socketColor";
import type { Theme } from "./theme";

const MARGIN = 40;

export function escapeXml(text: string): string {
  const plain = Array.from(text).filter((letter) => letter >= " " || letter === "\n" || letter === "\t").join("");
  return plain.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** What the picture of the whole graph covers. */
export function pictureBox(scene: Scene): Box {
  const bounds = scene.bounds() ?? { x: 0, y: 0, w: 100, h: 100 };
  return { x: bounds.x - MARGIN, y: bounds.y - MARGIN, w: bounds.w + 2 * MARGIN, h: bounds.h + 2 * MARGIN };
}

/** `workflow` is the document as text; readers of pictures find it in the metadata. */
export function toSvg(scene: Scene, theme: Theme, title: string, workflow: string): string {
  const box = pictureBox(scene);
  const nodes = [...scene.nodes.values()];
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box.x} ${box.y} ${box.w} ${box.h}" width="${box.w}" height="${box.h}" font-family="${escapeXml(theme.font)}" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<metadata><![CDATA[${stringifyJson({ workflow: parseJson(workflow) }).replace(/]]>/g, "]]\\u003e")}]]></metadata>`,
    rect(box, theme.canvas, ""),
    ...scene.groups.map((group) => groupSvg(group.box, group.title ?? "", group.color ?? theme.group, theme)),
    ...nodes.flatMap((node) => linksSvg(scene, node, theme)),
    ...nodes.map((node) => nodeSvg(node, theme)),
    ...scene.notes.map((note) => noteSvg(note, theme)),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function rect({ x, y, w, h }: Box, fill: string, more: string): string {
  return `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="${fill}" ${more}/>`;
}

function words(x: number, y: number, text: string, fill: string, more = ""): string {
  return `<text x="${x}" y="${y}" fill="${fill}" dominant-baseline="central" ${more}>${escapeXml(text)}</text>`;
}

function clip(text: string, room: number): string {
  const most = Math.max(1, Math.floor(room / 6.4));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function groupSvg([x, y, w, h]: readonly [number, number, number, number], title: string, colour: string, theme: Theme): string {
  return rect({ x, y, w, h }, colour, `fill-opacity="0.12" stroke="${colour}" rx="12"`) + words(x + 12, y + 16, title, theme.text, 'font-weight="600" font-size="14"');
}

function linksSvg(scene: Scene, target: SceneNode, theme: Theme): string[] {
  return target.links.map((link) => {
    const [start, ...rest] = scene.pathOf(target, link);
    if (!start) return "";
    let at = start;
    const curves = rest.map((to) => {
      const reach = bend(at, to);
      const curve = `C ${at.x + reach} ${at.y} ${to.x - reach} ${to.y} ${to.x} ${to.y}`;
      at = to;
      return curve;
    });
    return `<path d="M ${start.x} ${start.y} ${curves.join(" ")}" fill="none" stroke="${socketColor(link.type, theme.socketLightness)}" stroke-width="2"/>`;
  });
}

function nodeSvg(node: SceneNode, theme: Theme): string {
  const { x, y, w, h } = node;
  const r = METRICS.radius;
  const faded = node.record.mode === "muted" ? 'opacity="0.45"' : "";
  const dashed = node.record.mode === "bypassed" ? `stroke-dasharray="6 4" stroke="${theme.bypass}"` : `stroke="${node.known ? theme.border : theme.danger}"`;
  const head = `<path d="M ${x} ${y + METRICS.header} v ${r - METRICS.header} a ${r} ${r} 0 0 1 ${r} ${-r} h ${w - 2 * r} a ${r} ${r} 0 0 1 ${r} ${r} v ${METRICS.header - r} z" fill="${node.place?.color ?? theme.header}"/>`;
  const title = words(x + 12, y + METRICS.header / 2, clip(node.record.title ?? node.spec.display_name, w - 24), theme.text, 'font-weight="600" font-size="13"');
  return `<g ${faded}>${rect({ x, y, w, h }, theme.node, `${dashed} rx="${r}"`)}${head}${title}${rowsSvg(node, theme)}</g>`;
}

function dot(x: number, y: number, type: string, theme: Theme): string {
  return `<circle cx="${x}" cy="${y}" r="${METRICS.socket}" fill="${socketColor(type, theme.socketLightness)}"/>`;
}

function rowsSvg(node: SceneNode, theme: Theme): string {
  const { x, y, w } = node;
  return node.face.rows
    .map((row) => {
      const middle = y + row.y + Math.min(row.h, METRICS.widget) / 2;
      if (row.kind === "sockets") {
        const input = row.input ? dot(x, middle, row.input.type, theme) + words(x + 14, middle, labelOf(row.input), theme.text) : "";
        const output = row.output ? dot(x + w, middle, row.output.type, theme) + words(x + w - 14, middle, row.output.label, theme.text, 'text-anchor="end"') : "";
        return input + output;
      }
      if (row.h === METRICS.row) return row.kind === "widget" ? dot(x, middle, row.input.type, theme) + words(x + 14, middle, labelOf(row.input), theme.text) : "";
      const well = rect({ x: x + 12, y: y + row.y + 3, w: w - 24, h: row.h - 6 }, theme.well, 'rx="6"');
      return row.kind === "media" ? well : well + valueSvg(node, row.input.name, labelOf(row.input), middle, row.widget === "multiline", theme);
    })
    .join("");
}

function valueSvg(node: SceneNode, name: string, label: string, middle: number, long: boolean, theme: Theme): string {
  const value = literalOf(node.record.inputs[name]);
  const text = value === undefined || value === null ? "" : jsonText(value);
  const { x, w } = node;
  if (!long) return words(x + 21, middle, clip(label, w * 0.45), theme.muted) + words(x + w - 21, middle, clip(text, w * 0.5), theme.text, 'text-anchor="end"');
  const lines = wrapped(text, Math.floor((w - 44) / 6.2)).slice(0, 3);
  return lines.map((line, index) => words(x + 21, middle + index * 17, line, theme.text)).join("");
}

/** Words in lines of at most `most` letters. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > most) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

function noteSvg({ box: [x, y, w, h], text, title }: Note, theme: Theme): string {
  const lines = wrapped(title === undefined ? text : `${title}\n${text}`, Math.floor((w - 24) / 6.2)).slice(0, Math.max(1, Math.floor((h - 12) / 17)));
  return rect({ x, y, w, h }, theme.well, `stroke="${theme.border}" rx="8"`) + lines.map((line, index) => words(x + 12, y + 16 + index * 17, line, theme.text)).join("");
}
