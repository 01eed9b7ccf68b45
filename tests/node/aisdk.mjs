// What Vercel's AI SDK makes of the gateway, through each of its `provider` packages that such a gateway is called with.
import { APICallError, generateObject, generateText, isStepCount, Output, streamObject, streamText, tool } from 'ai';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { z } from 'zod';

import { failure } from './failure.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

const City = z.object({ name: z.string(), people: z.number() });
const formats = { anthropic: { structuredOutputMode: 'outputFormat' } }; // of a model it does not know it fears the worst
const thinking = { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } };

const providers = {
  compatible: (options) => createOpenAICompatible({ name: 'any2api', includeUsage: true, supportsStructuredOutputs: true, ...options }),
  openai: createOpenAI, // asks /v1/responses
  'openai.chat': (options) => createOpenAI(options).chat,
  anthropic: createAnthropic,
};

export function scenarios({ baseURL, apiKey, prompt, image, provider }) {
  const model = providers[provider]({ baseURL, apiKey });
  const ask = (name, more) => ({ model: model(name), prompt, maxRetries: 0, onError() {}, ...more });

  return {
    async whole() {
      const { text, finishReason, usage, warnings } = await generateText(ask('echo', { instructions: 'be brief' }));
      return { text, finishReason, usage: counted(usage), warnings };
    },

    async streamed() {
      const answer = streamText(ask('echo', { instructions: 'be brief' }));
      const heard = await parts(answer);
      const usage = counted(await answer.usage);
      return { text: await answer.text, finishReason: await answer.finishReason, usage, kinds: runs(heard) };
    },

    async reasoning() {
      const whole = await generateText(ask('reasoning', { providerOptions: thinking }));
      const answer = streamText(ask('reasoning', { providerOptions: thinking }));
      const heard = runs(await parts(answer)).filter((kind) => /^(reasoning|text)-/.test(kind));
      const thoughts = [whole.finalStep.reasoningText, (await answer.finalStep).reasoningText];
      return { thoughts, texts: [whole.text, await answer.text], kinds: heard };
    },

    async cut() {
      const whole = await generateText(ask('echo', { maxOutputTokens: 2 }));
      const answer = streamText(ask('echo', { maxOutputTokens: 2 }));
      return [whole, { text: await answer.text, finishReason: await answer.finishReason }].map(
        ({ text, finishReason }) => [text, finishReason],
      );
    },

    async tools() {
      const asked = ask('tools', { tools: tools(), stopWhen: isStepCount(3) });
      const { text, steps } = await generateText(asked);
      return { text, steps: steps.map(step) };
    },

    async toolsStreamed() {
      const answer = streamText(ask('parallel-tools', { tools: tools(), stopWhen: isStepCount(3) }));
      return { text: await answer.text, steps: (await answer.steps).map(step) };
    },

    async objects() {
      const output = Output.object({ schema: City });
      const [text, object] = [{ output }, { schema: City }].map((more) => ask('echo', { ...more, providerOptions: formats }));
      return [
        (await generateText(text)).output,
        await last(streamText(text).partialOutputStream),
        (await generateObject(object)).object,
        await last(streamObject(object).partialObjectStream),
      ];
    },

    async picture() {
      const content = [
        { type: 'text', text: prompt },
        { type: 'file', mediaType: 'image/png', data: image },
      ];
      const messages = [{ role: 'user', content }];
      return (await generateText(ask('echo', { prompt: undefined, messages }))).text;
    },

    async refused() {
      const wrong = { ...ask('echo'), model: providers[provider]({ baseURL, apiKey: 'wrong' })('echo') };
      const refusals = [wrong, ask('unheard-of'), ask('fails-429'), ask('fails-500')];
      return Promise.all(refusals.map(async (asked) => {
        const whole = await failure(generateText(asked), APICallError);
        const [streamed] = (await parts(streamText(asked))).filter(({ type }) => type === 'error');
        return [whole, streamed.error].map(({ statusCode, isRetryable }) => [statusCode, isRetryable]);
      }));
    },

    async broken() {
      const answer = streamText(ask('breaks-error'));
      const heard = await parts(answer);
      return {
        text: heard.filter(({ type }) => type === 'text-delta').map(({ text }) => text).join(''),
        errors: heard.filter(({ type }) => type === 'error').length,
        reasons: heard.filter(({ type }) => type === 'finish').map(({ finishReason }) => finishReason),
      };
    },

    async abort() {
      const controller = new AbortController();
      const answer = streamText(ask('gated', { abortSignal: controller.signal }));
      const kinds = [];
      for await (const part of answer.stream) {
        kinds.push(part.type);
        if (part.type === 'text-delta') controller.abort();
      }
      return { last: kinds.at(-1), next: (await generateText(ask('echo'))).text };
    },

    async retry() {
      return (await generateText(ask('recovers-503', { maxRetries: 2 }))).text;
    },
  };
}

function tools() {
  const inputSchema = z.object({ city: z.string(), unit: z.string() });
  const execute = async ({ city }) => `sunny in ${city}`;
  return { get_weather: tool({ inputSchema, execute }), get_time: tool({ inputSchema, execute }) };
}

function step({ toolCalls, toolResults, finishReason }) {
  return {
    calls: toolCalls.map(({ toolName, input }) => [toolName, input]),
    results: toolResults.map(({ output }) => output),
    finishReason,
  };
}

/** All parts of a stream; errors are among them, and are not also printed. */
async function parts(answer) {
  const heard = [];
  for await (const part of answer.stream) heard.push(part);
  return heard;
}

async function last(stream) {
  let found;
  for await (found of stream);
  return found;
}

function runs(heard) {
  return heard.map(({ type }) => type).filter((type, place, all) => type !== all[place - 1]);
}

function counted({ inputTokens, outputTokens, totalTokens }) {
  return [inputTokens, outputTokens, totalTokens];
}
