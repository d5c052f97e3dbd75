import { expect, it } from "vitest";
import type { JobItem } from "../../src/api/schema";
import { queryOf, resultsOf } from "../../src/features/gallery/useResults";

it("a search covers its last day to the end", () => {
  const query = queryOf({ text: " ships ", from: "2026-05-01", to: "2026-05-01" }, 40);

  expect(query).toMatchObject({ q: "ships", offset: 40 });
  expect((query.created_before ?? 0) - (query.created_after ?? 0)).toBe(86_400_000);
  expect(queryOf({ text: " ", from: "", to: "" }, 0)).toMatchObject({ q: null, created_after: null, created_before: null });
});

it("lists every picture of a job under the job's name", () => {
  const image = (filename: string) => ({ filename, subfolder: "", type: "output" });
  const job = { id: "j", name: "Ships", created: 5, outputs: { "9": { images: [image("a.png"), image("b.png")] }, "3": { text: ["x"] } } };

  expect(resultsOf([job as unknown as JobItem]).map(({ file, name }) => [file.filename, name])).toEqual([["a.png", "Ships"], ["b.png", "Ships"]]);
});
