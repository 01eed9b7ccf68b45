// What openai-node makes of vectors, pictures, sounds, transcripts and films.
import OpenAI, { toFile } from 'openai';

export function scenarios({ baseURL, apiKey, prompt, picture }) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 30_000 });
  return {
    async embeddings() {
      const model = 'text-embedding-3-small';
      const asked = await client.embeddings.create({ model, input: [prompt] });
      const digits = await client.embeddings.create({ model, input: [prompt], encoding_format: 'float' });
      return { asked: asked.data[0].embedding, digits: digits.data[0].embedding, tokens: asked.usage.total_tokens };
    },

    async picture() {
      const { data } = await client.images.generate({ model: 'dall-e-3', prompt, response_format: 'b64_json' });
      return data[0].b64_json;
    },

    async speech() {
      const answer = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: prompt });
      return Buffer.from(await answer.arrayBuffer()).toString('base64');
    },

    async transcripts() {
      const file = await toFile(Buffer.from('RIFF'), 'a.wav');
      const json = await client.audio.transcriptions.create({ model: 'whisper-1', file });
      const text = await client.audio.transcriptions.create({ model: 'whisper-1', file, response_format: 'text' });
      return { json: json.text, text };
    },

    async film() {
      const first = await toFile(Buffer.from(picture, 'base64'), 'p.png', { type: 'image/png' });
      const { id } = await client.videos.create({ model: 'sora-2', prompt, seconds: '8', input_reference: first });
      const states = [];
      do states.push((await client.videos.retrieve(id)).status);
      while (states.at(-1) === 'in_progress');
      const film = await client.videos.downloadContent(id);
      return { states, film: Buffer.from(await film.arrayBuffer()).toString('base64') };
    },
  };
}
