/** A workflow as a Python script that needs nothing but Python: it queues the graph on a server and fetches the files. */
import type { Json } from "./document";

/** A JSON value as Python writes it, indented as people would. */
export function pythonLiteral(value: Json, indent = 0): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const inner = " ".repeat(indent + 4);
  const items = Array.isArray(value)
    ? (value as readonly Json[]).map((item) => pythonLiteral(item, indent + 4))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item, indent + 4)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  const flat = `${open}${items.join(", ")}${close}`;
  if (flat.length + indent <= 100 && !flat.includes("\n")) return flat;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${" ".repeat(indent)}${close}`;
}

/** `prompt` is the API form of the workflow, `server` where it is queued when nobody says otherwise. */
export function pythonScript(name: string, prompt: Json, server: string): string {
  return `${HEAD.replace("@NAME@", name.replace(/["\\\n]/g, " "))}
SERVER = ${JSON.stringify(server)}
PROMPT = ${pythonLiteral(prompt)}
${BODY}`;
}

const HEAD = `#!/usr/bin/env python3
"""@NAME@: a workflow as a script. It needs a running server and nothing but Python's standard library.

    python workflow.py --server http://127.0.0.1:8188 --set 3.seed=7 --output pictures
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
`;

const BODY = `

def call(server, path, body=None):
    """The answer's bytes. A token is taken from the environment variable HEDDLE_TOKEN."""
    headers = {"Content-Type": "application/json"}
    if os.environ.get("HEDDLE_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["HEDDLE_TOKEN"]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.rstrip("/") + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"The server answered {error.code}: {error.read().decode(errors='replace')}")
    except urllib.error.URLError as error:
        sys.exit(f"No server at {server}: {error.reason}")


def change(prompt, setting):
    """Set NODE.INPUT=VALUE; the value is JSON, or a text as it stands."""
    target, _, text = setting.partition("=")
    node, _, name = target.rpartition(".")
    if node not in prompt:
        sys.exit(f"--set {setting}: there is no node {node!r}; there are {', '.join(prompt)}.")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    prompt[node]["inputs"][name] = value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=SERVER)
    parser.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")
    parser.add_argument("--output", type=Path, default=Path("."))
    options = parser.parse_args()
    for setting in options.set:
        change(PROMPT, setting)
    job = json.loads(call(options.server, "/api/v1/jobs", {"prompt": PROMPT}))["id"]
    while True:
        answer = json.loads(call(options.server, "/api/v1/jobs/" + job))["job"]
        if answer["state"] not in ("queued", "running", "lost"):
            break
        time.sleep(0.5)
    if answer["state"] != "succeeded":
        sys.exit(f"Job {job} {answer['state']}: {(answer.get('error') or {}).get('message', 'no reason was given')}")
    options.output.mkdir(parents=True, exist_ok=True)
    for shown in (answer.get("outputs") or {}).values():
        for files in shown.values():
            for file in files if isinstance(files, list) else []:
                if isinstance(file, dict) and "filename" in file:
                    query = urllib.parse.urlencode({key: file.get(key, "") for key in ("filename", "subfolder", "type")})
                    target = options.output / Path(file["filename"]).name
                    target.write_bytes(call(options.server, "/view?" + query))
                    print(target)


if __name__ == "__main__":
    main()
`;
