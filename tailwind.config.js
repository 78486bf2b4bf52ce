// Read by style/main.css (`@config`): what Tailwind has to know about the project. The design itself, names and values, is in
// style/tokens.css and the @theme of style/main.css, once.

/** @type {import('tailwindcss').Config} */
export default {
  // Views are Rust: only whole literal class names in them are found.
  content: ['./src/{app,lib,live}.rs', './src/{pages,components}/**/*.rs'],
  // The class that public/theme boot and the theme switch put on <html>; `dark:` follows it, not the system.
  darkMode: ['selector', '.dark'],
}
