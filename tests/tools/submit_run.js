// A client that knows AMQP and nothing else: sends a spec in bare JSON, prints the bare JSON answer.
//   node submit_run.js MODULES BROKER SPEC_FILE [ROOT]
const { createRequire } = require('module');
const { randomUUID } = require('crypto');
const fs = require('fs');

const [modules, broker, file, root] = process.argv.slice(2);
const amqp = createRequire(modules + '/')('amqplib');

(async () => {
  const connection = await amqp.connect(broker);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const correlationId = randomUUID();
  const answer = new Promise((resolve) => channel.consume(queue, (message) => {
    if (message.properties.correlationId === correlationId) resolve(message.content.toString());
  }, { noAck: true }));
  const body = JSON.stringify({ spec: fs.readFileSync(file, 'utf8'), root: root ?? null });
  channel.publish('submit', '', Buffer.from(body), { replyTo: queue, correlationId, contentType: 'application/json' });
  console.log(await answer);
  await connection.close();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
