// After `flux-wasm split`: node scripts/pack-chunks.mjs FOLDER
// The splitter makes a file for every set of splits that share code, many of them tiny. Small ones become sections of one
// file, shared.wasm, so that a page costs a few requests. __wasm_split.js is written anew to load what there is then, and
// chunks.json tells the server which files belong to a split.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encoded, fail } from './wasm.mjs'

const SMALL = 12_000
const folder = process.argv[2]
const link = readFileSync(join(folder, '__wasm_split.js'), 'utf8')

const all = (pattern) => [...link.matchAll(pattern)]
const one = (pattern) => link.match(pattern)?.[1] ?? fail(`no ${pattern} in __wasm_split.js: is this another wasm_split_cli_support?`)

const main = one(/import \{ initSync \} from "(.+)";/)
const shares = one(/const \{ (.+?),? *\} = initSync/)
// With debug assertions every part asks for a number that says that it is of the same build.
const sameBuild = link.match(/__wasm_split: \{ (__canary_\w+: ~0xdead,)/)?.[1] ?? ''
const chunks = all(/const (__chunk_\d+) = makeLoad\(\(\) => \{\s*const src = fetch\(new URL\("\.\/(\w+)\.wasm"/g)
const splits = all(/export const __wasm_split_load_(\w+) = wrapAsyncCb\(makeLoad\(([^]*?), \[(.*?)\]\)\);/g)
if (!splits.length) fail('no split in __wasm_split.js: is this another wasm_split_cli_support?')

const size = (name) => statSync(join(folder, `${name}.wasm`)).size
const small = chunks.map(([, , file]) => file).filter((file) => size(file) < SMALL)
const fileOf = Object.fromEntries(chunks.map(([, id, file]) => [id, small.includes(file) ? 'shared' : file]))

const leb = (n) => Buffer.from(encoded(n))
const section = (name, bytes) => {
  const body = Buffer.concat([leb(name.length), Buffer.from(name), bytes])
  return Buffer.concat([Buffer.from([0]), leb(body.length), body])
}
const module = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
writeFileSync(join(folder, 'shared.wasm'), Buffer.concat([module, ...small.map((file) => section('chunk', readFileSync(join(folder, `${file}.wasm`))))]))
for (const file of small) rmSync(join(folder, `${file}.wasm`))

const needs = splits.map(([, split, own, ids]) => {
  const shared = [...new Set(ids.split(', ').filter(Boolean).map((id) => fileOf[id] ?? fail(`${id} is unknown`)))].sort()
  const file = own.match(/new URL\("\.\/(\w+)\.wasm"/)?.[1]
  return [split, shared, file]
})
writeFileSync(join(folder, 'chunks.json'), JSON.stringify(Object.fromEntries(needs.map(([split, shared, file]) => [split, [...shared, ...(file ? [file] : [])]]))))
writeFileSync(
  join(folder, '__wasm_split.js'),
  `import { initSync } from "${main}";
const imports = () => {
  const { ${shares} } = initSync();
  return { __wasm_split: { ${sameBuild} ${shares} } };
};
const url = (name) => new URL(\`./\${name}.wasm\`, import.meta.url);
const once = (load) => {
  let loading;
  return () => (loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  }));
};
const chunk = (name) => once(() => WebAssembly.instantiateStreaming(fetch(url(name)), imports()));
const shared = once(async () => {
  const all = WebAssembly.Module.customSections(await WebAssembly.compileStreaming(fetch(url("shared"))), "chunk");
  await Promise.all(all.map((bytes) => WebAssembly.instantiate(bytes, imports())));
});
const split = (name, ...needs) => {
  const load = once(async () => {
    const own = name && WebAssembly.compileStreaming(fetch(url(name)));
    await Promise.all([own, ...needs.map((need) => need())]);
    if (own) await WebAssembly.instantiate(await own, imports());
  });
  return async (callback, data) => {
    const done = await load().then(() => true, (error) => {
      console.error(error);
      return false;
    });
    imports().__wasm_split.__indirect_function_table.get(callback)(data, done);
  };
};
${[...new Set(Object.values(fileOf))].filter((file) => file !== 'shared').map((file) => `const ${file} = chunk("${file}");`).join('\n')}
${needs.map(([split, shared, file]) => `export const __wasm_split_load_${split} = split(${[JSON.stringify(file ?? ''), ...shared].join(', ')});`).join('\n')}
`,
)
