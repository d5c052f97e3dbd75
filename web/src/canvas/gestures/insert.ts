import { outputKeys, visibleInputs } from "../../core/catalogue";
import { change } from "../../core/diff";
import { isLink, linkOver } from "../../core/document";
import { boxBetween, overlaps } from "../../core/geometry";
import { mayConnect, withInput } from "../../core/links";
import { typesFit } from "../../core/sockets";
import type { Editor } from "../../store/editor";
import { curvePoint } from "../curve";
import type { SceneLink, SceneNode } from "../scene";

/** A node without links that was dropped on a link is put into it, where its types fit. */
export function insertIntoLink(editor: Editor, id: string): void {
  const node = editor.scene.nodes.get(id);
  if (!node || isConnected(editor, node)) return;
  for (const target of editor.scene.nodes.values()) {
    if (target === node) continue;
    for (const link of target.links) if (crosses(editor, node, target, link) && insert(editor, node, target, link)) return;
  }
}

function isConnected(editor: Editor, node: SceneNode): boolean {
  if (Object.values(node.record.inputs).some(isLink)) return true;
  return [...editor.scene.nodes.values()].some((other) => other.links.some((link) => link.from === node));
}

function crosses(editor: Editor, node: SceneNode, target: SceneNode, link: SceneLink): boolean {
  const a = editor.scene.outputPoint(link.from, link.output);
  const b = editor.scene.inputPoint(target, link.input);
  if (!overlaps(boxBetween(a, b), node)) return false;
  const header = { x: node.x, y: node.y, w: node.w, h: node.h };
  for (let step = 1; step < 16; step += 1) {
    const point = curvePoint(a, b, step / 16);
    if (overlaps(header, { ...point, w: 1, h: 1 })) return true;
  }
  return false;
}

function insert(editor: Editor, node: SceneNode, target: SceneNode, link: SceneLink): boolean {
  const input = visibleInputs(node.spec).find((candidate) => typesFit(link.type, candidate.type) && !candidate.widget);
  const index = node.spec.outputs.findIndex((output) => typesFit(output.type, link.type));
  const output = outputKeys(node.spec)[index];
  const { document } = editor;
  if (!input || output === undefined) return false;
  const from = { node: link.from.id, output: link.output };
  if (!mayConnect(document, editor.specs, from, { node: node.id, input: input.name }).ok) return false;
  const diff = change(document, {
    [`node:${node.id}`]: withInput(node.record, input.name, linkOver(undefined, from.node, from.output)),
    [`node:${target.id}`]: withInput(target.record, link.input, linkOver(target.record.inputs[link.input], node.id, output)),
  });
  editor.commit(diff, "Insert node into link");
  return true;
}
