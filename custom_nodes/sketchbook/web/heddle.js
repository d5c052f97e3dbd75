// What Sketchbook adds to the editor: a control for its colours, and a panel. docs/editor-extensions.md explains it.

/** @typedef {import("../../../web/src/core/extension").EditorExtension} EditorExtension */

/** "#d02020 #2030d0" as a list. @param {unknown} value */
const listOf = (value) => (typeof value === "string" ? value.split(/\s+/).filter(Boolean) : []);

/** @type {NonNullable<EditorExtension["widgets"]>[number]} */
const colours = {
  type: "SKETCHBOOK_COLOURS",
  height: 40,
  mount(element, host) {
    const row = document.createElement("div");
    row.style.cssText = "display: flex; gap: 4px; height: 100%";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", host.label);
    element.append(row);

    const show = (value) => {
      const list = listOf(value);
      const fields = list.map((colour, index) => {
        const field = document.createElement("input");
        field.type = "color";
        field.value = colour;
        field.setAttribute("aria-label", `${host.label} ${index + 1}`);
        field.style.cssText = "flex: 1; min-width: 0; height: 100%; padding: 0; border: 0; background: none";
        field.addEventListener("input", () => host.change(list.with(index, field.value).join(" ")));
        return field;
      });
      row.replaceChildren(...fields, button("+", "Add a colour", () => host.change([...list, "#808080"].join(" "))));
      if (list.length > 1) row.append(button("−", "Remove the last colour", () => host.change(list.slice(0, -1).join(" "))));
    };

    let shown = host.value;
    show(shown);
    return {
      update(value) {
        // A colour field that is being dragged must stay: only another number of colours makes new fields.
        if (listOf(value).length !== listOf(shown).length || !row.contains(document.activeElement)) show(value);
        shown = value;
      },
    };
  },
};

/** @param {string} text @param {string} label @param {() => void} press */
function button(text, label, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.style.cssText = "width: 26px; border-radius: 6px";
  made.addEventListener("click", press);
  return made;
}

/** @type {NonNullable<EditorExtension["panels"]>[number]} */
const swatches = {
  id: "swatches",
  title: "Colours of the workflow",
  mount(element, host) {
    const show = () => {
      const nodes = Object.entries(host.workflow().nodes).filter(([, node]) => node.type === "sketchbook.stripes");
      const rows = nodes.map(([id, node]) => {
        const row = button(`${node.title ?? "Stripes"}: ${node.inputs.colours}`, `Select ${node.title ?? "Stripes"} ${id}`, () => host.select([id]));
        row.style.cssText = "display: block; width: 100%; padding: 8px; text-align: left";
        return row;
      });
      element.replaceChildren(...(rows.length ? rows : ["No stripes yet."]));
    };
    show();
    return { unmount: host.onChange(show) };
  },
};

/** @type {EditorExtension} */
export default { api: 1, widgets: [colours], panels: [swatches] };
