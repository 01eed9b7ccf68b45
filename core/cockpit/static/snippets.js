// A request as a program. The key is never written into one: it comes from the environment.
// A request's `program` tells how the SDKs name the call (`call`) and read the answer (`python`, which may need `modules`,
// and `node`), and for curl which file it goes to (`output`) and what to ask for next (`next`: when, path, option).

const KEY = "API_MASTER_KEY";
const AUTHORIZED = `-H "Authorization: Bearer $${KEY}"`;

export const SNIPPETS = { curl, Python: python, Node: node };

function curl(url, { path, body, form, program }) {
  const sent = form
    ? Object.entries(body).map(part)
    : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body, null, 2))}`];
  const options = [body.stream && "-N", program.output && `-o ${program.output}`].filter(Boolean);
  const next = (program.next ?? []).map(([when, target, option]) =>
    `\n# ${when}\n${["curl", option, `${url}${target}`, AUTHORIZED].filter(Boolean).join(" ")}`);
  return [[["curl", ...options, url + path].join(" "), AUTHORIZED, ...sent].join(" \\\n  "), ...next].join("\n");
}

function python(url, { body, program }) {
  const given = Object.entries(body).map(([name, value]) => `    ${name}=${literal(value)},`);
  return `${["os", ...(program.modules ?? [])].sort().map((name) => `import ${name}`).join("\n")}

from openai import OpenAI

client = OpenAI(base_url="${url}v1", api_key=os.environ["${KEY}"])
answer = client.${program.call}(
${given.join("\n")}
)
${program.python}`;
}

function node(url, { body, program }) {
  const given = Object.entries(body).map(([name, value]) =>
    `  ${name}: ${value instanceof Blob ? `fs.createReadStream(${JSON.stringify(value.name)})` : JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")},`);
  const isOnFiles = program.node.includes("fs.") || Object.values(body).some((value) => value instanceof Blob);
  return `${isOnFiles ? 'import fs from "node:fs";\n' : ""}import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${url}v1", apiKey: process.env.${KEY} });
const answer = await client.${program.call}({
${given.join("\n")}
});
${program.node}`;
}

/** A JSON value as Python writes it; a file as it is opened. */
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value instanceof Blob) return `open(${JSON.stringify(value.name)}, "rb")`;
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${literal(item)}`).join(", ")}}`;
}

/** A part of a form, for curl, which has its own quotes within those of the shell. */
function part([name, value]) {
  if (!(value instanceof Blob)) return `--form-string ${quoted(`${name}=${value}`)}`;
  return `-F ${quoted(`${name}=@"${value.name.replace(/["\\]/g, "\\$&")}"`)}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
