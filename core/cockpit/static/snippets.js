// A request as a program. The key is never written into one: it comes from the environment.

const KEY = "API_MASTER_KEY";

export const SNIPPETS = { curl, Python: python, Node: node };

function curl(url, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`);
  return `curl -N ${url}v1/chat/completions \\
  -H "Authorization: Bearer $${KEY}" \\
  -H 'Content-Type: application/json' \\
  -d '${json}'`;
}

function python(url, body) {
  const given = Object.entries(body).map(([name, value]) => `    ${name}=${literal(value)},`);
  const read = body.stream
    ? `for chunk in answer:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`
    : "print(answer.choices[0].message.content)";
  return `import os

from openai import OpenAI

client = OpenAI(base_url="${url}v1", api_key=os.environ["${KEY}"])
answer = client.chat.completions.create(
${given.join("\n")}
)
${read}`;
}

function node(url, body) {
  const read = body.stream
    ? 'for await (const chunk of answer) process.stdout.write(chunk.choices[0]?.delta.content ?? "");'
    : "console.log(answer.choices[0].message.content);";
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${url}v1", apiKey: process.env.${KEY} });
const answer = await client.chat.completions.create(${JSON.stringify(body, null, 2)});
${read}`;
}

/** A JSON value as Python writes it. */
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${literal(item)}`).join(", ")}}`;
}
