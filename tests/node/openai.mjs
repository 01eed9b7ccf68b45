// What openai-node makes of the gateway at `baseURL`, scenario by scenario.
import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { failure } from './failure.mjs';

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string' } } },
    parse: JSON.parse,
    function: ({ city }) => `sunny in ${city}`,
  },
};

export function scenarios({ baseURL, apiKey, prompt }) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 30_000 });
  const messages = [{ role: 'user', content: prompt }];
  return {
    async models() {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      return { listed: ids.includes('vendor/echo'), retrieved: (await client.models.retrieve('vendor/echo')).id };
    },

    async create() {
      const { data, request_id } = await client.chat.completions.create({ model: 'echo', messages }).withResponse();
      return { content: data.choices[0].message.content, total: data.usage.total_tokens, id: request_id };
    },

    async stream() {
      const options = { stream: true, stream_options: { include_usage: true } };
      let content = '';
      let usage = null;
      for await (const chunk of await client.chat.completions.create({ model: 'echo', messages, ...options })) {
        content += chunk.choices[0]?.delta.content ?? '';
        usage = chunk.usage ?? usage;
      }
      return { content, total: usage.total_tokens };
    },

    async streamHelper() {
      const runner = client.chat.completions.stream({ model: 'parallel-tools', messages, tools: tools() });
      const message = await runner.finalMessage();
      return message.tool_calls.map((call) => JSON.parse(call.function.arguments));
    },

    async parse() {
      const City = z.object({ name: z.string(), people: z.number() });
      const response_format = zodResponseFormat(City, 'city');
      const completion = await client.chat.completions.parse({ model: 'echo', messages, response_format });
      return completion.choices[0].message.parsed;
    },

    async agent() {
      let steps = 0;
      const advance = {
        type: 'function',
        function: {
          name: 'advance',
          parameters: { type: 'object', properties: { step: { type: 'integer' }, seen: { type: 'string' } } },
          parse: JSON.parse,
          function: () => `${++steps}`,
        },
      };
      const asked = { model: prompt, messages, tools: [advance], stream: true };
      const runner = client.chat.completions.runTools(asked, { maxChatCompletions: 100 });
      return { content: await runner.finalContent(), steps };
    },

    async runTools() {
      const runner = client.chat.completions.runTools({ model: 'tools', messages, tools: [weather], stream: true });
      return { content: await runner.finalContent(), roles: runner.messages.map((message) => message.role) };
    },

    async responses() {
      const whole = await client.responses.create({ model: 'echo', input: prompt });
      const streamed = await client.responses.stream({ model: 'echo', input: prompt }).finalResponse();
      return [whole.output_text, streamed.output_text];
    },

    async responsesReasoning() {
      const { output } = await client.responses.stream({ model: 'reasoning', input: prompt }).finalResponse();
      return output.map(({ type, summary, content }) => [type, (summary ?? content)[0].text]);
    },

    async responsesTools() {
      const functions = tools().map((tool) => ({ type: 'function', strict: false, ...tool.function }));
      const called = client.responses.stream({ model: 'parallel-tools', input: prompt, tools: functions });
      return (await called.finalResponse()).output.map((item) => JSON.parse(item.arguments));
    },

    async responsesParse() {
      const City = z.object({ name: z.string(), people: z.number() });
      const text = { format: zodTextFormat(City, 'city') };
      return (await client.responses.parse({ model: 'echo', input: prompt, text })).output_parsed;
    },

    async errors() {
      const wrong = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
      const create = (body) => client.chat.completions.create({ model: 'echo', messages, ...body });
      const refused = await failure(wrong.models.list(), AuthenticationError);
      const invalid = await failure(create({ temperature: 9 }), BadRequestError);
      const missing = await failure(create({ model: 'unheard-of', stream: true }), NotFoundError);
      return [refused.code, invalid.param, missing.code];
    },

    async broken() {
      const stream = await client.chat.completions.create({ model: 'breaks-error', messages, stream: true });
      const heard = [];
      const read = async () => {
        for await (const chunk of stream) heard.push(chunk.choices[0]);
      };
      const error = await failure(read(), APIError);
      return { code: error.code, said: heard.map((choice) => choice.delta.content).join(''), ends: ends(heard) };
    },

    async abort() {
      const begin = (options) => client.chat.completions.create({ model: 'gated', messages, stream: true }, options);
      for await (const chunk of await begin()) if (chunk.choices[0].delta.content) break; // leaves, and so hangs up
      const controller = new AbortController();
      const aborted = await begin({ signal: controller.signal });
      for await (const chunk of aborted) if (chunk.choices[0].delta.content) controller.abort();
      await failure(begin({ signal: controller.signal }), APIUserAbortError);
      return (await client.chat.completions.create({ model: 'echo', messages })).choices[0].message.content;
    },

    async retry() {
      const patient = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
      return (await patient.chat.completions.create({ model: 'recovers-503', messages })).choices[0].message.content;
    },
  };
}

function tools() {
  return ['get_weather', 'get_time'].map((name) => ({ type: 'function', function: { name, parameters: {} } }));
}

function ends(choices) {
  return choices.map((choice) => choice.finish_reason).filter(Boolean);
}
