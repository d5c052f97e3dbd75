import { useEffect, useState } from "react";
import { type NodeFacts, factsOf } from "../../core/promptFacts";
import { textsOfPng } from "../../core/pictureMetadata";
import { type FileRef, viewUrl } from "../../core/wire";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./facts.module.css";

/** What the file says about how it was made. */
export function PictureFacts({ file }: { file: FileRef }) {
  const { session } = useWorkbench();
  const [facts, setFacts] = useState<readonly NodeFacts[] | null>(null);
  useEffect(() => {
    let stale = false;
    setFacts(null);
    void session.report(t("The picture could not be read"), async () => {
      const bytes = new Uint8Array(await (await fetch(viewUrl(file))).arrayBuffer());
      const { prompt } = textsOfPng(bytes);
      if (!stale) setFacts(prompt === undefined ? [] : factsOf(JSON.parse(prompt)));
    });
    return () => {
      stale = true;
    };
  }, [session, file]);
  return (
    <aside className={css.facts} aria-label={t("How it was made")} tabIndex={0}>
      <h2>{t("How it was made")}</h2>
      {facts?.length === 0 && <p>{t("This file says nothing about it.")}</p>}
      {facts?.map(({ node, title, values }) => (
        <section key={node}>
          <h3>{title}</h3>
          <dl>
            {values.map(([input, value]) => (
              <div key={input}>
                <dt>{input}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </aside>
  );
}
