// Sends texts to exchanges, whatever they are, and says how each was answered where an answer was asked for.
//   node send_text.js MODULES BROKER   with lines {"exchange", "text", "type", "ask"} on the standard input
const { createRequire } = require('module');
const { randomUUID } = require('crypto');
const fs = require('fs');

const [modules, broker] = process.argv.slice(2);
const amqp = createRequire(modules + '/')('amqplib');

(async () => {
  const connection = await amqp.connect(broker);
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const waiting = new Map();
  await channel.consume(queue, (message) => waiting.get(message.properties.correlationId)?.(message.content.toString()), { noAck: true });
  for (const line of fs.readFileSync(0, 'utf8').split('\n').filter((each) => each)) {
    const { exchange, text, type, ask } = JSON.parse(line);
    const correlationId = randomUUID();
    const answer = ask ? new Promise((resolve) => waiting.set(correlationId, resolve)) : null;
    channel.publish(exchange, '', Buffer.from(text), { contentType: type ?? 'application/json', ...(ask ? { replyTo: queue, correlationId } : {}) });
    await channel.waitForConfirms();
    if (answer) console.log(JSON.stringify(JSON.parse(await answer))); // a line each
  }
  await connection.close();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
