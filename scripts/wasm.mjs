// What scripts that read a WASM file share: numbers, names, sections, imports.

import { basename } from 'node:path'

/** Ends the script that runs, with its name before the reason. */
export const fail = (why) => {
  console.error(`${basename(process.argv[1], '.mjs')}: ${why}`)
  process.exit(1)
}

/** An unsigned number as WASM counts (LEB128). */
export const encoded = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...encoded(Math.floor(n / 128))])

/** Reads `bytes`; every method takes a place and answers what stands there and where the next thing begins. */
export const reader = (bytes) => {
  const number = (at) => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return [value, at]
    }
  }
  const text = (at) => {
    const [length, start] = number(at)
    return [bytes.toString('utf8', start, start + length), start + length]
  }
  const limits = (at) => {
    const bounded = bytes[at] & 1
    const next = number(at + 1)[1]
    return bounded ? number(next)[1] : next
  }
  /** Of a file: `{ id, at, start, end }`, the whole from `at` and the content from `start` to `end`. */
  const sections = () => {
    const all = []
    for (let at = 8; at < bytes.length; ) {
      const [size, start] = number(at + 1)
      all.push({ id: bytes[at], at, start, end: start + size })
      at = start + size
    }
    return all
  }
  /** Of the import section: where the field's name stands, the name, and whether it is a function. */
  const imports = (start) => {
    const all = []
    let [count, at] = number(start)
    while (count--) {
      const field = text(at)[1]
      const [name, next] = text(field)
      const kind = bytes[next]
      all.push({ field, name, isFunction: kind === 0 })
      if (kind === 0) at = number(next + 1)[1]
      else if (kind === 1) at = limits(next + 2)
      else if (kind === 2) at = limits(next + 1)
      else if (kind === 3) at = next + 3
      else fail(`an import of kind ${kind}`)
    }
    return all
  }
  return { number, text, sections, imports }
}
