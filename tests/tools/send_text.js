// Sends a text to an exchange, whatever it is.   node send_text.js MODULES BROKER EXCHANGE TEXT
const { createRequire } = require('module');

const [modules, broker, exchange, text] = process.argv.slice(2);
const amqp = createRequire(modules + '/')('amqplib');

(async () => {
  const connection = await amqp.connect(broker);
  const channel = await connection.createConfirmChannel();
  channel.publish(exchange, '', Buffer.from(text), { contentType: 'application/json' });
  await channel.waitForConfirms();
  await connection.close();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
