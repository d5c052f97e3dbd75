import { expect, it } from "vitest";

import { rowOf } from "../../src/session/jobRows";
import { emptyRow } from "../../src/store/jobEvents";

it("takes the name of a restored job from the server", () => {
  expect(rowOf({ id: "a", name: "Red ships" }, emptyRow("a")).name).toBe("Red ships");
  expect(rowOf({ id: "a", name: null }, emptyRow("a")).name).toBe("");
});

it("keeps the name that a job has here", () => {
  expect(rowOf({ id: "a", name: "Red ships" }, { ...emptyRow("a"), name: "Mine" }).name).toBe("Mine");
});
