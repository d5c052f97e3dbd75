import { findInput, outputKeys, outputType, visibleInputs } from "../../core/catalogue";
import { apply, change, type RecordKey, squash } from "../../core/diff";
import { isLink, linkOver, type NodeRecord } from "../../core/document";
import {
  connect,
  disconnect,
  downstream,
  type InputEnd,
  mayConnect,
  type OutputEnd,
  upstream,
  withInput,
} from "../../core/links";
import { typesFit } from "../../core/sockets";
import type { Editor } from "../../store/editor";
import type { LinkDrag, LooseEnd } from "../../store/state";
import { idle, reach } from "./idle";
import type { Gesture, PointerInput } from "./machine";

export function inputKey(node: string, name: string): string {
  return `in:${node}:${name}`;
}
export function outputKey(node: string, name: string): string {
  return `out:${node}:${name}`;
}

/** Sockets that may take the loose end. Found once, when the drag begins. */
function fittingSockets(editor: Editor, from: OutputEnd | null, to: InputEnd | null, type: string): ReadonlySet<string> {
  const fitting = new Set<string>();
  const looping = from ? upstream(editor.document, from.node) : downstream(editor.document, to?.node ?? "");
  for (const node of editor.scene.nodes.values()) {
    if (looping.has(node.id)) continue;
    if (from) {
      for (const input of visibleInputs(node.spec))
        if (typesFit(type, input.type) && input.options["socketless"] !== true) fitting.add(inputKey(node.id, input.name));
    }
    if (to) {
      const keys = outputKeys(node.spec);
      node.spec.outputs.forEach((output, index) => {
        if (typesFit(output.type, type)) fitting.add(outputKey(node.id, keys[index] ?? output.name));
      });
    }
  }
  return fitting;
}

/** Draws a link from an output. Shift takes all links of that output along. */
export function startLink(editor: Editor, from: OutputEnd, start: PointerInput): Gesture {
  const type = outputType(editor.scene.nodes.get(from.node)?.spec, from.output) ?? "*";
  if (start.shift) return moveAllLinks(editor, from, type, start);
  return dragLink(editor, { from, to: null, type }, start, null);
}

/** Draws a link backwards from an input, or picks up the link that is there. */
export function startLinkFromInput(editor: Editor, to: InputEnd, start: PointerInput): Gesture {
  const value = editor.document.nodes[to.node]?.inputs[to.input];
  const spec = editor.scene.nodes.get(to.node)?.spec;
  if (!isLink(value)) return dragLink(editor, { from: null, to, type: findInput(spec, to.input)?.type ?? "*" }, start, null);
  const from = { node: value.link[0], output: value.link[1] };
  const type = outputType(editor.scene.nodes.get(from.node)?.spec, from.output) ?? "*";
  return dragLink(editor, { from, to: null, type }, start, to);
}

type Drop = (target: InputEnd | OutputEnd | null) => void;

function dragLink(
  editor: Editor,
  loose: LooseEnd,
  start: PointerInput,
  pickedUp: InputEnd | null,
  drop: Drop | null = null,
): Gesture {
  const fitting = fittingSockets(editor, loose.from, loose.to, loose.type);
  const drag: LinkDrag = { ...loose, at: editor.toGraph(start.at), fitting, snapped: null, refusal: null };
  let moved = false;
  let target: InputEnd | OutputEnd | null = null;
  return {
    name: "drag link",
    move(input) {
      moved ||= Math.hypot(input.at.x - start.at.x, input.at.y - start.at.y) > 4;
      if (!moved) return this;
      const found = socketUnder(editor, loose, input, fitting);
      target = found.target;
      editor.patchView({ linkDrag: { ...drag, at: found.at, snapped: found.key, refusal: found.refusal } });
      return this;
    },
    up(input) {
      editor.patchView({ linkDrag: null });
      if (!moved) return idle(editor);
      if (drop) drop(target);
      else if (target) join(editor, loose, target, pickedUp);
      else if (pickedUp) detach(editor, pickedUp);
      else openPalette(editor, loose, input);
      return idle(editor);
    },
    cancel() {
      editor.patchView({ linkDrag: null });
    },
  };
}

interface Under {
  readonly target: InputEnd | OutputEnd | null;
  readonly key: string | null;
  readonly at: LinkDrag["at"];
  readonly refusal: string | null;
}

function socketUnder(editor: Editor, loose: LooseEnd, input: PointerInput, fitting: ReadonlySet<string>): Under {
  const at = editor.toGraph(input.at);
  const nothing: Under = { target: null, key: null, at, refusal: null };
  const hit = editor.scene.hit(at, reach(input, editor.viewport.k) * 1.6, editor.selection);
  if (hit.kind === "input" && loose.from) {
    const to = { node: hit.node.id, input: hit.name };
    const key = inputKey(to.node, to.input);
    if (fitting.has(key)) return { target: to, key, at: editor.scene.inputPoint(hit.node, hit.name), refusal: null };
    const verdict = mayConnect(editor.document, editor.specs, loose.from, to);
    return { ...nothing, refusal: verdict.ok ? null : verdict.why };
  }
  if (hit.kind === "output" && loose.to) {
    const from = { node: hit.node.id, output: hit.name };
    const key = outputKey(from.node, from.output);
    if (fitting.has(key)) return { target: from, key, at: editor.scene.outputPoint(hit.node, hit.name), refusal: null };
  }
  if (hit.kind === "header" || hit.kind === "body") return onNode(editor, hit.node.id, loose, fitting) ?? nothing;
  return nothing;
}

/** Over a node's body the first socket that fits takes the link, free ones before linked ones. */
function onNode(editor: Editor, id: string, loose: LooseEnd, fitting: ReadonlySet<string>): Under | null {
  const node = editor.scene.nodes.get(id);
  if (!node) return null;
  if (loose.from) {
    const names = [...node.face.inputs.keys()].filter((name) => fitting.has(inputKey(id, name)));
    const plain = names.filter((name) => findInput(node.spec, name)?.widget === false);
    const name = plain.find((candidate) => !isLink(node.record.inputs[candidate])) ?? plain[0];
    if (name === undefined) return null;
    const at = editor.scene.inputPoint(node, name);
    return { target: { node: id, input: name }, key: inputKey(id, name), at, refusal: null };
  }
  const output = [...node.face.outputs.keys()].find((name) => fitting.has(outputKey(id, name)));
  if (output === undefined) return null;
  const at = editor.scene.outputPoint(node, output);
  return { target: { node: id, output }, key: outputKey(id, output), at, refusal: null };
}

function join(editor: Editor, loose: LooseEnd, target: InputEnd | OutputEnd, pickedUp: InputEnd | null): void {
  const from = loose.from ?? ("output" in target ? target : null);
  const to = loose.to ?? ("input" in target ? target : null);
  if (!from || !to) return;
  const { specs } = editor;
  if (!pickedUp || (pickedUp.node === to.node && pickedUp.input === to.input)) {
    editor.commit(connect(editor.document, specs, from, to), "Connect");
    return;
  }
  const taken = disconnect(editor.document, specs, [pickedUp]);
  editor.commit(squash(taken, connect(apply(editor.document, taken), specs, from, to)), "Move link");
}

function detach(editor: Editor, end: InputEnd): void {
  editor.commit(disconnect(editor.document, editor.specs, [end]), "Delete link");
}

function openPalette(editor: Editor, drag: LooseEnd, input: PointerInput): void {
  editor.patchView({ palette: { screen: input.at, graph: editor.toGraph(input.at), drag } });
}

/** Moves every link of an output to another output of a fitting type. */
function moveAllLinks(editor: Editor, from: OutputEnd, type: string, start: PointerInput): Gesture {
  const loose = { from: null, to: { node: from.node, input: "" }, type };
  return dragLink(editor, loose, start, null, (target) => {
    if (target && "output" in target) relinkAll(editor, from, target);
  });
}

function relinkAll(editor: Editor, from: OutputEnd, to: OutputEnd): void {
  const next: Partial<Record<RecordKey, NodeRecord>> = {};
  for (const [id, record] of Object.entries(editor.document.nodes)) {
    let changed = record;
    for (const [name, value] of Object.entries(record.inputs)) {
      if (!isLink(value) || value.link[0] !== from.node || value.link[1] !== from.output) continue;
      const verdict = mayConnect(editor.document, editor.specs, to, { node: id, input: name });
      if (verdict.ok) changed = withInput(changed, name, linkOver(value, to.node, to.output));
    }
    if (changed !== record) next[`node:${id}`] = changed;
  }
  editor.commit(change(editor.document, next), "Move links");
}
