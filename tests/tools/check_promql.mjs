// Parses Prometheus queries:  node check_promql.mjs MODULES QUERIES.json
// Prints as JSON, for each query, the metrics that it names and the places that are no query.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, file] = process.argv.slice(2);
const { parser } = await import(pathToFileURL(`${modules}/@prometheus-io/lezer-promql/dist/index.es.js`));

console.log(JSON.stringify(JSON.parse(readFileSync(file, 'utf8')).map(query => {
  const [metrics, mistakes] = [[], []];
  parser.parse(query).iterate({
    enter(node) {
      const text = query.slice(node.from, node.to);
      if (node.type.isError) mistakes.push(`at ${node.from}: '${query.slice(node.from)}'`);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') metrics.push(text);
    },
  });
  return { query, metrics, mistakes };
})));
