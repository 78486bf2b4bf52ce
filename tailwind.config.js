// Read by style/main.css (`@config`). Colours are names for the CSS variables that style/ defines once for light and once for dark;
// a class says what a thing is (`text-failed`, `bg-surface`), never which shade it has.
const tokens = (...names) => Object.fromEntries(names.map((name) => [name, `var(--${name})`]))
const states = ['waiting', 'active', 'delayed', 'failed', 'completed', 'paused', 'lost']

/** @type {import('tailwindcss').Config} */
export default {
  content: ['./src/**/*.rs'],
  darkMode: ['selector', '.dark'],
  theme: {
    extend: {
      colors: {
        ...tokens('canvas', 'surface', 'raised', 'hover', 'pressed', 'field'),
        ...tokens('line', 'line-soft', 'line-strong', 'text', 'text-2', 'text-3', 'zero', 'off'),
        ...tokens('accent', 'accent-hover', 'on-accent', 'accent-text', 'accent-soft', 'accent-line', 'focus'),
        ...tokens('danger', 'danger-hover', 'on-danger', 'grid', 'scrim'),
        ...tokens(...states.flatMap((state) => [state, `${state}-soft`])),
      },
    },
  },
}
