// What OpenAI's client makes of the gateway, as JSON: node openai_client.mjs MODULES URL KEY
import { createRequire } from 'node:module';

const [modules, baseURL, apiKey] = process.argv.slice(2);
const require = createRequire(modules + '/');
const OpenAI = require('openai').default;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const told = { models: [] };

for await (const model of client.models.list()) {
  told.models.push(model.id);
}

const drawn = await client.images.generate({ model: 'tiny', prompt: '1', n: 3, size: '8x8', seed: 7, num_inference_steps: 6 });
told.pictures = drawn.data.length;
told.png = Buffer.from(drawn.data[0].b64_json, 'base64').subarray(1, 4).toString() === 'PNG';

const webp = await client.images.generate({ model: 'tiny', prompt: '0', output_format: 'webp', output_compression: 80 });
told.webp = Buffer.from(webp.data[0].b64_json, 'base64').subarray(8, 12).toString() === 'WEBP';

const linked = await client.images.generate({ model: 'tiny', prompt: '0', output_format: 'jpeg', response_format: 'url' });
told.linked = (await fetch(linked.data[0].url)).headers.get('content-type');

const events = [];
for await (const event of await client.images.generate({ model: 'tiny', prompt: '1', seed: 7, num_inference_steps: 6, stream: true, partial_images: 2 })) {
  events.push(event);
}
told.events = events.map(event => event.type);
told.streamedIsTheSame = events.at(-1).b64_json === drawn.data[0].b64_json;

told.unknownField = await client.images.generate({ prompt: '1', num_step: 3 })
  .catch(e => `${e.status} ${e.type} ${e.code} ${e.param}`);
told.unknownModel = await client.images.generate({ prompt: '1', model: 'dall-e-2' })
  .catch(e => `${e.status} ${e.code} ${e.param}`);
told.wrongKey = await new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 }).models.list()
  .catch(e => `${e.constructor.name} ${e.status}`);
console.log(JSON.stringify(told));
