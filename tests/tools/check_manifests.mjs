// Checks Kubernetes objects against the schemas of their kinds:  node check_manifests.mjs MODULES OBJECTS.json
// Prints a line a mistake. The validators of the package let unknown fields pass, so that each field is also given a value of no type at all: one that nobody minds is unknown.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, file] = process.argv.slice(2);
const nothing = Symbol('of no type');
const packages = { 'keda.sh': '@kubernetes-models/keda' };

async function modelOf({ apiVersion, kind }) {
  const group = apiVersion.split('/')[0];
  const path = `${modules}/${packages[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}.js`;
  try {
    return (await import(pathToFileURL(path))).default ?? Object.values(await import(pathToFileURL(path)))[0];
  } catch (error) {
    throw new Error(`${kind} of ${apiVersion} has no schema: ${error.message}`);
  }
}

function mistakesOf(Model, object) {
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return error.errors?.map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`) ?? [error.message];
  }
}

// Every field below a value, as a path of keys.
function* pathsOf(value, path = []) {
  for (const key of value && typeof value === 'object' ? Object.keys(value) : []) {
    yield [...path, key];
    yield* pathsOf(value[key], [...path, key]);
  }
}

function replaced(value, [key, ...rest], by) {
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[key] = rest.length ? replaced(value[key], rest, by) : by;
  return copy;
}

for (const object of JSON.parse(readFileSync(file, 'utf8'))) {
  const Model = await modelOf(object);
  const name = `${object.kind} ${object.metadata?.name}`;
  const mistakes = mistakesOf(Model, object);
  mistakes.forEach(mistake => console.log(`${name}: ${mistake}`));
  for (const path of mistakes.length ? [] : pathsOf(object)) {
    if (!['apiVersion', 'kind'].includes(path[0]) && mistakesOf(Model, replaced(object, path, nothing)).length === 0) {
      console.log(`${name}: no field ${path.join('.')}`);
    }
  }
}
